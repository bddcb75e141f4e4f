package project

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/ctxaudit/ctxaudit/dockerfile"
)

// shape identifies what is known of the image that a plan makes: its files as far as they come from contexts, and its
// configuration. Two builds that differ in no more than the version of a base image or in an argument that only a RUN step
// sees have the same shape; what is said of one image holds for the other.
func shape(plan *dockerfile.Plan) string {
	h := sha256.New()
	for _, op := range plan.Ops {
		fmt.Fprintln(h, op.Kind, op.Inputs)
		if op.Local != nil {
			fmt.Fprintf(h, "%q %q\n", op.Local.Name, op.Local.Dir)
		}
		if op.Image != nil {
			fmt.Fprintln(h, op.Image.Known)
			if op.Image.Known { // what it holds may be known, too
				fmt.Fprintf(h, "%q %q\n", op.Image.Ref, op.Platform)
			}
		}
		if op.Remote != nil {
			fmt.Fprintf(h, "%q %q\n", op.Remote.Kind, op.Remote.Filename)
		}
		for _, a := range op.File {
			fmt.Fprintf(h, "%d %d %d %T %s\n", a.Input, a.Source, a.Output, a.Change, asJSON(a.Change))
		}
		if op.Exec != nil {
			fmt.Fprintf(h, "%q\n", op.Exec.Args)
			for _, m := range op.Exec.Mounts {
				fmt.Fprintf(h, "%d %q %q %v\n", m.Input, m.Dest, m.Selector, m.Kind)
			}
		}
	}
	fmt.Fprintln(h, plan.Result, plan.TargetStage)
	h.Write(asJSON(plan.Config))
	return hex.EncodeToString(h.Sum(nil))
}

// asJSON writes a value so that equal ones are written alike.
func asJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("a plan that is no JSON: " + err.Error())
	}
	return data
}
