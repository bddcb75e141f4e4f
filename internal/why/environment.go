package why

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/util/suggest"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// environment explains a setting.
func (e *Explainer) environment(a *Answer, name string) {
	a.Kind = "environment"
	cfg := e.Image.Plan.Config
	var names []string
	for _, kv := range cfg.Env {
		k, v, _ := strings.Cut(kv, "=")
		names = append(names, k)
		if k != name {
			continue
		}
		a.Verdict, a.Summary = Set, fmt.Sprintf("%s is %q in the image", name, v)
		if loc := e.Image.Plan.ConfigSources.Env[name]; !loc.IsZero() {
			a.step("the last instruction that sets it", instruction(finding.RoleSets, loc))
		} else {
			a.step("no instruction of this Dockerfile sets it: it comes from the base image, or is BuildKit's default", nil)
			a.Assumptions = e.assumptions()
		}
		if strings.Contains(v, "/") {
			e.searchPath(a, v)
		}
		return
	}
	a.Verdict, a.Summary = NotSet, fmt.Sprintf("%s is not set in the image", name)
	for _, s := range e.Image.Plan.Stages {
		for _, in := range s.Instructions {
			if in.Keyword == "ENV" && declares(in, name) && s.Index != e.Image.Plan.TargetStage {
				a.step("an ENV of another stage does not count", instruction(finding.RoleNoEffect, in.Location))
			}
			if in.Keyword == "ARG" && declares(in, name) {
				a.step("an ARG is not part of the image's environment", instruction(finding.RoleNoEffect, in.Location))
			}
		}
	}
	if near, ok := suggest.Search(name, names, true); ok {
		a.Remedy = fmt.Sprintf("did you mean $%s?", near)
	} else {
		a.Remedy = fmt.Sprintf("set it with ENV %s=... in the stage that is built", name)
	}
	a.Assumptions = e.assumptions()
}

// declares reports whether an ENV or ARG is about a variable.
func declares(in dockerfile.Instruction, name string) bool {
	return slices.ContainsFunc(in.Syntax().Args, func(w dockerfile.Word) bool {
		key, _, _ := strings.Cut(w.Text, "=")
		return key == name
	})
}

// searchPath tells of each entry of a list whether it is a directory of the image.
func (e *Explainer) searchPath(a *Answer, list string) {
	for _, entry := range strings.Split(list, ":") {
		if !path.IsAbs(entry) {
			continue
		}
		n, at, err := e.Image.Tree.Stat(entry)
		switch {
		case err == nil && n.IsDir():
			a.step(entry+" is a directory of the image", nil)
		case err == nil:
			a.step(entry+" is in the image, but not a directory", nil)
		case e.Image.Tree.MayHold(at):
			a.step(entry+" is not created by this Dockerfile; the base image or a RUN step may have it", nil)
		default:
			a.step(entry+" does not exist in the image", nil)
		}
	}
}
