package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"
)

// observation is what a driver sees of one amphora.
type observation struct {
	exists, running, attached bool
	address                   string
	startedAt                 time.Time
	hash, revision            string
	ports                     []int32
}

type vip struct {
	Address string
	Ports   []int32
}

type simulated struct {
	Address, Hash, Revision string
	StartedAt               time.Time
	Ports                   []int32
	Attached                bool
}

// driver runs amphorae that are entries in memory: nothing takes time, nothing fails. Its file outlives the process, as amphorae do.
type driver struct {
	mutex    sync.Mutex
	file     string
	Last     int
	Vips     map[string]*vip
	Amphorae map[string]map[string]*simulated
}

func newDriver(file string) (*driver, error) {
	d := &driver{file: file, Vips: map[string]*vip{}, Amphorae: map[string]map[string]*simulated{}}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	return d, json.Unmarshal(text, d)
}

func (d *driver) save() error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return os.WriteFile(d.file, text, 0o600)
}

func (d *driver) freeAddress(prefix string) string {
	d.Last++
	return fmt.Sprintf("%s.%d.%d", prefix, d.Last>>8&255, d.Last&255)
}

func (d *driver) ensureVip(uid, address string, ports []int32) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.Vips[uid] == nil {
		if address == "" {
			address = d.freeAddress("198.18")
		}
		d.Vips[uid] = &vip{Address: address}
	}
	d.Vips[uid].Ports = ports
}

// observeVip also tells the names of the amphorae that new connections reach.
func (d *driver) observeVip(uid string) (*vip, []string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	found := d.Vips[uid]
	if found == nil {
		return nil, nil
	}
	var attached []string
	for name, amphora := range d.Amphorae[uid] {
		if amphora.Attached {
			attached = append(attached, name)
		}
	}
	slices.Sort(attached)
	return &vip{Address: found.Address, Ports: slices.Clone(found.Ports)}, attached
}

func (d *driver) releaseVip(uid string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	delete(d.Vips, uid)
	for _, amphora := range d.Amphorae[uid] {
		amphora.Attached = false
	}
}

// load starts an amphora that does not run, and brings it to this configuration.
func (d *driver) load(uid, name string, wanted configuration) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.Amphorae[uid] == nil {
		d.Amphorae[uid] = map[string]*simulated{}
	}
	amphora := d.Amphorae[uid][name]
	if amphora == nil {
		amphora = &simulated{Address: d.freeAddress("10.64"), StartedAt: time.Now()}
		d.Amphorae[uid][name] = amphora
	}
	amphora.Hash, amphora.Revision, amphora.Ports = wanted.hash, wanted.revision, wanted.ports
}

func (d *driver) observe(uid, name string) observation {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	amphora := d.Amphorae[uid][name]
	if amphora == nil {
		return observation{}
	}
	return observation{
		exists: true, running: true, attached: amphora.Attached && d.Vips[uid] != nil,
		address: amphora.Address, startedAt: amphora.StartedAt,
		hash: amphora.Hash, revision: amphora.Revision, ports: slices.Clone(amphora.Ports),
	}
}

func (d *driver) steer(uid, name string, attached bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if amphora := d.Amphorae[uid][name]; amphora != nil {
		amphora.Attached = attached
	}
}

func (d *driver) destroy(uid, name string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	delete(d.Amphorae[uid], name)
	if len(d.Amphorae[uid]) == 0 {
		delete(d.Amphorae, uid)
	}
}
