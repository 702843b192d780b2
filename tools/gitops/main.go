// gitops-health says what GitOps tools make of Kubernetes objects. It reads objects as JSON, one a line, and writes for each a line
// {"kstatus":{"status","message"},"argocd":{"status","message"}}: the verdict of kstatus, which Flux and kpt go by, and that of the script
// for its kind, as Argo CD would run it. argocd is null where there is no script for the kind.
//
//	gitops-health -scripts DIR     with scripts at DIR/GROUP/KIND/health.lua
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type verdicts struct {
	Kstatus verdict  `json:"kstatus"`
	Argocd  *verdict `json:"argocd"`
}

func main() {
	scripts := flag.String("scripts", "", "folder of Lua health checks, GROUP/KIND/health.lua")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *scripts); err != nil {
		fmt.Fprintln(os.Stderr, "gitops-health:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, scripts string) error {
	lines, answers := bufio.NewReader(in), json.NewEncoder(out)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		object := &unstructured.Unstructured{}
		// Not encoding/json: it makes every number a float, and kstatus refuses a generation that is one.
		if err := object.UnmarshalJSON(line); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		result, err := status.Compute(object)
		if err != nil {
			return fmt.Errorf("line %d: kstatus: %w", number, err)
		}
		health, err := argocdHealth(scripts, object)
		if err != nil {
			return fmt.Errorf("line %d: Argo CD: %w", number, err)
		}
		if err := answers.Encode(verdicts{verdict{result.Status.String(), result.Message}, health}); err != nil {
			return err
		}
	}
}
