package project

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

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
		}
		if op.Remote != nil {
			fmt.Fprintf(h, "%q %q\n", op.Remote.Kind, op.Remote.Filename)
		}
		for _, a := range op.File {
			message(h, a)
		}
		if op.Exec != nil {
			fmt.Fprintf(h, "%q\n", op.Exec.GetMeta().GetArgs())
			for _, m := range op.Exec.GetMounts() {
				fmt.Fprintf(h, "%d %q %q %v\n", m.Input, m.Dest, m.Selector, m.MountType)
			}
		}
	}
	fmt.Fprintln(h, plan.Result, plan.TargetStage)
	config, err := json.Marshal(plan.Config)
	if err != nil {
		panic("a configuration that is no JSON: " + err.Error())
	}
	h.Write(config)
	return hex.EncodeToString(h.Sum(nil))
}

// message writes a message so that equal ones are written alike.
func message(w io.Writer, m proto.Message) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic("an operation that is no message: " + err.Error())
	}
	fmt.Fprintf(w, "%d %s\n", len(data), data)
}
