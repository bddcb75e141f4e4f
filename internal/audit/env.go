package audit

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/util/suggest"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// unknownBases gives the base images that may set what this Dockerfile does not.
func (p *pass) unknownBases() []int {
	var out []int
	for _, id := range p.image.Opaque {
		if op := p.image.Plan.Ops[id]; op.Kind == dockerfile.OpImage && !op.Image.Known {
			out = append(out, id)
		}
	}
	return out
}

// checkEnv holds the image's environment against what is required of it.
func checkEnv(p *pass) error {
	req := p.subject.Policy.Require.Env
	for _, name := range sortedKeys(req) {
		asked := p.required("require", "env", name)
		value, set := p.build.Env(name)
		loc := p.image.Plan.ConfigSources.Env[name]
		subject := position(loc)
		related := asked
		if loc.IsZero() {
			subject = p.last()
		} else {
			related = append(slices.Clone(asked), instruction(finding.RoleSets, loc))
		}
		want := req[name]
		f := finding.Finding{Rule: finding.EnvMismatch, Subject: subject, Related: related, Hint: finding.Hint{EnvName: name}, About: finding.About{Variable: name}}
		if want.Equals != nil {
			f.Hint.EnvValue = *want.Equals
		}
		if loc.IsZero() {
			f.Assumptions = p.assumptions(p.unknownBases())
			if set && len(f.Assumptions) > 0 {
				// BuildKit's default PATH stands in for the base image's own.
				f.Severity = finding.Warning
			}
		}
		switch problem := envProblem(name, value, set, want); {
		case problem != "" && !set:
			f.Rule, f.Summary = finding.EnvMissing, problem
			f.Detail = fmt.Sprintf("No ENV instruction of this build sets %s.", name)
			if near, ok := suggest.Search(name, envNames(p.image.Plan.Config.Env), true); ok {
				f.Detail += fmt.Sprintf(" Did you mean %s?", near)
			}
			p.add(f)
			continue
		case problem != "":
			f.Summary = problem
			f.Detail = fmt.Sprintf("Its value is %q.", value)
			p.add(f)
			continue
		}
		if want.DirsExist {
			if dirs := p.missingDirs(value); len(dirs) > 0 {
				for _, dir := range dirs {
					missing := p.pathMissing(finding.SearchPathEntryMissing, dir, fmt.Sprintf("%s contains %s, which is not a directory of the image", name, dir), related)
					missing.Subject, missing.About.Variable = subject, name
					p.add(missing)
				}
				continue
			}
		}
		p.passed(fmt.Sprintf("environment %s is %s", name, describeEnv(value, set, want)), related...)
	}
	return nil
}

func envNames(env []string) []string {
	out := make([]string, len(env))
	for i, kv := range env {
		out[i], _, _ = strings.Cut(kv, "=")
	}
	return out
}

func describeEnv(value string, set bool, want policy.Env) string {
	switch {
	case !set:
		return "not set"
	case want.Contains != "":
		return fmt.Sprintf("%q, which has %s", value, want.Contains)
	default:
		return fmt.Sprintf("%q", value)
	}
}

// envProblem says what is wrong with a setting, "" if nothing is.
func envProblem(name, value string, set bool, want policy.Env) string {
	if want.Set != nil && !*want.Set {
		if set {
			return fmt.Sprintf("%s is set, but must not be", name)
		}
		return ""
	}
	switch {
	case !set:
		return fmt.Sprintf("%s is not set", name)
	case want.Equals != nil && value != *want.Equals:
		return fmt.Sprintf("%s is %q and must be %q", name, value, *want.Equals)
	case want.Contains != "" && !containsEntry(value, want.Contains):
		return fmt.Sprintf("%s lacks the entry %s", name, want.Contains)
	case want.Matches != "" && !regexp.MustCompile(`\A(?:`+want.Matches+`)\z`).MatchString(value):
		return fmt.Sprintf("%s is %q and must match %s", name, value, want.Matches)
	}
	return ""
}

// containsEntry reports whether a colon-separated list has an entry, whether or not either ends in a slash.
func containsEntry(list, entry string) bool {
	trim := func(s string) string {
		if len(s) > 1 {
			return strings.TrimSuffix(s, "/")
		}
		return s
	}
	return slices.ContainsFunc(strings.Split(list, ":"), func(e string) bool { return trim(e) == trim(entry) })
}

// missingDirs gives the entries of a list that are no directories of the image. An empty entry is the working directory.
func (p *pass) missingDirs(list string) []string {
	var out []string
	for _, entry := range strings.Split(list, ":") {
		dir := path.Join("/", p.image.Plan.Config.WorkingDir, entry)
		if path.IsAbs(entry) {
			dir = path.Clean(entry)
		}
		n, at, err := p.image.Tree.Stat(dir)
		if err == nil && (n.IsDir() || n.Kind == rootfs.KindUnknown) {
			continue
		}
		// Of an unknown base image nobody can tell; what this Dockerfile makes is known.
		if err != nil && p.image.Tree.MayHold(at) {
			if _, owner := p.nearestDir(at); owner == p.image.Tree.Root() || p.ofBaseImage(owner) {
				continue
			}
		}
		out = append(out, dir)
	}
	return out
}

// checkWorkdir holds the image's working directory against the required one.
func checkWorkdir(p *pass) error {
	want := p.subject.Policy.Require.Workdir
	if want == "" {
		return nil
	}
	got := p.image.Plan.Config.WorkingDir
	if got == "" {
		got = "/"
	}
	return p.checkSetting(finding.WorkdirMismatch, "working directory", path.Clean(got), path.Clean(want), p.image.Plan.ConfigSources.WorkingDir,
		p.required("require", "workdir"))
}

// checkUser holds the image's user against the required one.
func checkUser(p *pass) error {
	want := p.subject.Policy.Require.User
	if want == "" {
		return nil
	}
	got := p.image.Plan.Config.User
	if got == "" {
		got = "root"
	}
	return p.checkSetting(finding.UserMismatch, "user", got, want, p.image.Plan.ConfigSources.User, p.required("require", "user"))
}

func (p *pass) checkSetting(rule, what, got, want string, loc dockerfile.Location, asked []finding.Place) error {
	related := asked
	subject := p.last()
	if !loc.IsZero() {
		related = append(slices.Clone(asked), instruction(finding.RoleSets, loc))
		subject = position(loc)
	}
	if got == want {
		p.passed(fmt.Sprintf("%s is %s", what, got), related...)
		return nil
	}
	f := finding.Finding{
		Rule: rule, Subject: subject, Related: related,
		Summary: fmt.Sprintf("the %s is %s and must be %s", what, got, want),
		Detail:  fmt.Sprintf("Set it to %s after every other instruction that sets it.", want),
	}
	if loc.IsZero() {
		f.Assumptions = p.assumptions(p.unknownBases())
	}
	p.add(f)
	return nil
}
