package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

// Asked says which images somebody asks about: one that he describes, those of a configuration, or those that the repository
// builds.
type Asked struct {
	// Options describe the one image, of which Policy says what it must hold. If Policy is nil only their context counts.
	Options dockerfile.Options
	Policy  *policy.Image
	// Own prefers the images of the context's own Dockerfile to all that the repository builds.
	Own bool
	// Config names a configuration; "" is the one beside the context, if there is one.
	Config string
	// Only are the names of the images that are asked about; none are all.
	Only []string
}

// UnknownImageError says that there is no image of a name.
type UnknownImageError struct {
	Name   string
	Config string // in which it was looked for, "" if in what the repository builds
	Have   []string
}

func (e *UnknownImageError) Error() string {
	if e.Config != "" {
		return fmt.Sprintf("%s has no image %q; it has %s", e.Config, e.Name, strings.Join(e.Have, ", "))
	}
	return fmt.Sprintf("there is no image %q; there are %s", e.Name, strings.Join(e.Have, ", "))
}

// Images gives the images that are asked about, as they are in a state of the files. With an error there may still be notices.
func (s State) Images(ctx context.Context, a Asked) (Images, error) {
	opt := a.Options
	if err := s.CheckContext(opt.Context); err != nil {
		return Images{}, err
	}
	if a.Policy != nil {
		return s.one(a), nil
	}
	beside := filepath.Join(opt.Context, policy.FileName)
	has := func(name string) bool { return s.Has(opt.Context, name) }
	switch {
	case a.Config != "" && a.Config != beside:
		s.world.NameConfig(a.Config) // a person named it; what is beside the context is the repository's own
		return s.configured(a.Config, a.Only)
	case a.Config != "" || has(policy.FileName):
		return s.configured(beside, a.Only)
	}
	if found, ok, err := s.configuredAbove(a); ok || err != nil {
		return found, err
	}
	switch {
	case a.Own && len(a.Only) == 0 && (has("Dockerfile") || has("dockerfile")):
		// A Compose file may build it with arguments.
		own, err := Own(ctx, s, opt.Context)
		if err != nil || len(own) > 0 {
			return Images{Subjects: own}, err
		}
		a.Policy = &policy.Image{}
		return s.one(a), nil
	}
	found, err := Discover(ctx, s, opt.Context)
	var none *NoDockerfileError
	if root := s.above(opt.Context); root != "" && errors.As(err, &none) && len(found.Absent) == 0 {
		a.Options.Context = root
		if there, err := s.Images(ctx, a); err == nil {
			there.Notices = append(there.Notices, finding.Notice{File: filepath.ToSlash(root), Text: "nothing is built below the current directory: the repository's root is audited"})
			return there, nil
		}
	}
	if root := s.above(opt.Context); root != "" && err == nil {
		err = found.takeFromAbove(ctx, s, root)
	}
	if err == nil || len(found.Absent) > 0 {
		err = errors.Join(err, found.only(a.Only))
	}
	return found, err
}

// takeFromAbove puts what sources above the current directory say of a Dockerfile in the place of what was made of it alone.
func (i *Images) takeFromAbove(ctx context.Context, s State, root string) error {
	above, err := FromAbove(ctx, s, root)
	if err != nil {
		return err
	}
	same := func(a, b audit.Subject) bool { return absolute(a.Options.Dockerfile) == absolute(b.Options.Dockerfile) }
	i.Subjects = slices.DeleteFunc(i.Subjects, func(alone audit.Subject) bool {
		return len(alone.Sources) == 0 && slices.ContainsFunc(above, func(b audit.Subject) bool { return same(alone, b) })
	})
	for _, b := range above {
		if slices.ContainsFunc(i.Subjects, func(have audit.Subject) bool { return same(have, b) && len(have.Sources) > 0 }) {
			continue // what lies here says it
		}
		if slices.ContainsFunc(i.Subjects, func(have audit.Subject) bool { return have.Name == b.Name }) {
			b.Name = fmt.Sprintf("%s (%s)", b.Name, b.Sources[0].File)
		}
		i.Subjects = append(i.Subjects, b)
	}
	return nil
}

// above gives the root of the repository if a context is the current directory and lies below it, "" if not.
func (s State) above(dir string) string {
	if filepath.Clean(dir) != "." {
		return ""
	}
	// By way of a link the root of the repository need not be above.
	if root, err := filepath.Rel(absolute("."), s.world.top()); err == nil && root != "." && strings.Trim(filepath.ToSlash(root), "./") == "" {
		return root
	}
	return ""
}

// configuredAbove gives the images of the nearest configuration above the current directory, up to the root of the repository: those that
// are asked for or, if none is, those that are built from what lies here. ok is false if there is none.
func (s State) configuredAbove(a Asked) (found Images, ok bool, err error) {
	root := s.above(a.Options.Context)
	if root == "" {
		return Images{}, false, nil
	}
	for dir := ".."; ; dir = filepath.Join("..", dir) {
		if s.Has(dir, policy.FileName) {
			found, err = s.configured(filepath.Join(dir, policy.FileName), a.Only)
			break
		}
		if dir == root {
			return Images{}, false, nil
		}
	}
	if err != nil || len(a.Only) > 0 {
		return found, err == nil, err
	}
	found.Subjects = slices.DeleteFunc(found.Subjects, func(b audit.Subject) bool {
		return !isLocal(b.Options.Context) && !isLocal(b.Options.Dockerfile)
	})
	return found, len(found.Subjects) > 0, nil
}

// isLocal reports whether a path is the current directory or lies below it.
func isLocal(name string) bool {
	rel, err := filepath.Rel(absolute("."), absolute(name))
	return name != "" && err == nil && filepath.IsLocal(rel)
}

// one gives the image that is described.
func (s State) one(a Asked) Images {
	name := "image"
	if a.Options.Target != "" {
		name = a.Options.Target
	}
	return Images{Subjects: []audit.Subject{s.Subject(name, a.Options, a.Policy)}}
}

// only leaves of images those of some names; all if there are none.
func (i *Images) only(names []string) error {
	if len(names) == 0 {
		return nil
	}
	var have []string
	for _, s := range slices.Concat(i.Subjects, i.Absent) {
		have = append(have, s.Name)
	}
	chosen := Images{Notices: i.Notices}
	for _, name := range names {
		switch at := slices.Index(have, name); {
		case at < 0:
			return &UnknownImageError{Name: name, Have: have}
		case at < len(i.Subjects):
			chosen.Subjects = append(chosen.Subjects, i.Subjects[at])
		default:
			chosen.Absent = append(chosen.Absent, i.Absent[at-len(i.Subjects)])
		}
	}
	*i = chosen
	return nil
}

// configured gives the images of a configuration.
func (s State) configured(name string, names []string) (Images, error) {
	data, err := s.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Images{}, fmt.Errorf("configuration %s does not exist", name)
	}
	if err != nil {
		return Images{}, fmt.Errorf("reading configuration: %w", err)
	}
	file, err := policy.Parse(filepath.ToSlash(name), data)
	if err != nil {
		return Images{}, err
	}
	for _, n := range names {
		if file.Images[n] == nil {
			return Images{}, &UnknownImageError{Name: n, Config: name, Have: file.Names()}
		}
	}
	if len(names) == 0 {
		names = file.Names()
	}
	var out Images
	for _, n := range names {
		img := file.Images[n]
		opt := requested(img, filepath.Dir(name))
		if err := s.CheckContext(opt.Context); err != nil {
			return Images{}, &policy.Error{File: name, Line: file.Line("images", n, "context"), Message: err.Error()}
		}
		subject := s.Subject(n, opt, img)
		subject.PolicyFile = file
		out.Subjects = append(out.Subjects, subject)
	}
	return out, nil
}

// requested gives the request of an image of a configuration that lies in a directory.
func requested(img *policy.Image, dir string) dockerfile.Options {
	rel := func(p string) string {
		if p == "" || filepath.IsAbs(p) || IsRemote(p) {
			return p
		}
		name := filepath.Join(dir, p)
		if strings.HasPrefix(name, "..") { // a configuration above may name what lies here
			if short, err := filepath.Rel(absolute("."), absolute(name)); err == nil {
				return short
			}
		}
		return name
	}
	opt := dockerfile.Options{
		Context: rel(img.Context.Path), Dockerfile: rel(img.Dockerfile), Target: img.Target, BuildArgs: img.BuildArgs, Platform: img.Platform,
	}
	if opt.Context == "" {
		opt.Context = dir
	}
	for k, v := range img.BuildContexts {
		if opt.BuildContexts == nil {
			opt.BuildContexts = map[string]string{}
		}
		if !strings.Contains(v, "://") {
			v = rel(v)
		}
		opt.BuildContexts[k] = v
	}
	return opt
}
