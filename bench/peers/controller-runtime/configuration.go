package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// configuration is what an amphora is to have loaded: the hash covers HAProxy's configuration but for the members, the revision covers those.
type configuration struct {
	hash, revision string
	ports          []int32
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:32]
}

func configurationOf(lb *LoadBalancer, amphora *Amphora) configuration {
	var ports []int32
	listeners := slices.Clone(lb.Spec.Listeners)
	slices.SortFunc(listeners, func(a, b Listener) int { return strings.Compare(a.Name, b.Name) })
	for _, listener := range listeners {
		if listener.AdminStateUp {
			ports = append(ports, listener.ProtocolPort)
		}
	}
	return configuration{hash: digest(render(lb, listeners, amphora.Spec.FlavorData)), revision: digest(servers(lb)), ports: ports}
}

// render writes about as much as the operator's own renderer does for listeners of HTTP and TCP.
func render(lb *LoadBalancer, listeners []Listener, flavor FlavorData) string {
	var text strings.Builder
	line := func(format string, values ...any) { fmt.Fprintf(&text, format+"\n", values...) }
	line("global")
	line("    log stdout format raw local0 info")
	line("    nbthread %d", flavor.Threads)
	line("    maxconn %d", flavor.MaxConnections)
	line("    hard-stop-after %ds", lb.Spec.Strategy.DrainSeconds)
	line("    stats socket /admin.sock mode 600 level admin expose-fd listeners")
	line("    tune.ssl.default-dh-param 2048")
	line("defaults")
	line("    log global")
	line("    option redispatch")
	line("    retries 3")
	line("    timeout connect 5s")
	line("    timeout client 50s")
	line("    timeout server 50s")
	for _, listener := range listeners {
		if !listener.AdminStateUp {
			continue
		}
		mode := "tcp"
		if listener.Protocol != "TCP" {
			mode = "http"
		}
		line("frontend listener_%s", listener.Name)
		line("    mode %s", mode)
		line("    bind 192.0.2.1:%d accept-proxy", listener.ProtocolPort)
		line("    maxconn %d", flavor.MaxConnections)
		line("    default_backend pool_%s", listener.DefaultPool)
		for _, pool := range lb.Spec.Pools {
			if pool.Name != listener.DefaultPool {
				continue
			}
			line("backend pool_%s", pool.Name)
			line("    mode %s", mode)
			line("    balance roundrobin")
			line("    option forwardfor")
		}
	}
	return text.String()
}

func servers(lb *LoadBalancer) string {
	var text strings.Builder
	for _, pool := range lb.Spec.Pools {
		for _, member := range pool.Members {
			fmt.Fprintf(&text, "%s %s:%d weight %d\n", pool.Name, member.Address, member.ProtocolPort, member.Weight)
		}
	}
	return text.String()
}
