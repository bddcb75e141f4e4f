package simulate

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/moby/patternmatcher"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// copier executes one copy action. It follows docopy of BuildKit's solver/llbsolver/file/backend.go and the package
// fsutil/copy, step by step: what they check in which order decides which builds fail and what existing directories
// look like afterwards. Comments name the function that a part answers to.
//
// What it adds is laziness (a directory that is copied where nothing was is shared, see attrs.copyNode) and sources
// that are only partly known: then the destination gets what is known, and is marked.
type copier struct {
	src, dst *rootfs.Tree
	action   dockerfile.Copy
	attrs    *attrs
	include  *patternmatcher.PatternMatcher // nil: everything
	exclude  *patternmatcher.PatternMatcher // nil: nothing
	parents  []parentDir
	// isDir reports whether a destination at which nothing is known is a directory all the same.
	isDir func(string) bool
}

// parentDir is a directory of the source that is being walked. With include patterns it is made only when something
// below it is taken.
type parentDir struct {
	src    *rootfs.Node
	dst    string
	copied bool
}

// cleanPath makes a path absolute and clean, but keeps the trailing "/" or "/." that tells where a copy goes.
func cleanPath(s string) string {
	clean := path.Join("/", s)
	switch {
	case strings.HasSuffix(s, "/."):
		if clean != "/" {
			clean += "/"
		}
		return clean + "."
	case strings.HasSuffix(s, "/") && clean != "/":
		return clean + "/"
	}
	return clean
}

// run is docopy.
func (c *copier) run() error {
	src, dst := cleanPath(c.action.Src), cleanPath(c.action.Dest)
	sources := []string{src}
	if c.action.Wildcard {
		matches, err := resolveWildcards(c.src, src, c.action.FollowSymlinks)
		if err != nil {
			return err
		}
		if len(matches) == 0 {
			if c.mayMatch(src) {
				return c.copyUnmatched(src, dst)
			}
			if c.action.AllowEmpty {
				return nil
			}
			return fmt.Errorf("%s not found", src)
		}
		sources = matches
	}
	for _, s := range sources {
		if c.action.Unpack {
			done, err := c.unpack(s, dst)
			if err != nil {
				return err
			}
			if done {
				continue
			}
		}
		if err := c.copy(s, dst); err != nil {
			return err
		}
	}
	if hasWildcard(src) && c.mayMatch(src) {
		return c.markUnknownContent(dst, c.matched(src))
	}
	return nil
}

// mayMatch reports whether a wildcard may match more than what is known of the source.
func (c *copier) mayMatch(src string) bool {
	prefix, _ := splitWildcards(src)
	at, err := c.src.Resolve(prefix)
	return err == nil && c.src.CouldHold(at)
}

// heldBy gives who may have put what a wildcard matches beyond what is known of the source.
func (c *copier) heldBy(src string) *rootfs.Mays {
	prefix, _ := splitWildcards(src)
	at, err := c.src.Resolve(prefix)
	if err != nil {
		return nil
	}
	return c.src.HeldBy(at)
}

// matched gives who may have put into the destination what a wildcard matches: files of that pattern where it has an ending, since nobody calls
// a directory package.json, else anything.
func (c *copier) matched(src string) *rootfs.Mays {
	base := path.Base(src)
	if ext := path.Ext(base); len(ext) > 1 && ext != base && !hasWildcard(ext) && !strings.Contains(base, "**") {
		return c.heldBy(src).Anywhere().Under(base)
	}
	return c.heldBy(src).Anywhere()
}

// copyUnmatched copies what a wildcard may match, of which nothing is known. Where only directories on the way have other names and the
// destination is no directory, the name is that of one thing, which the destination will be.
func (c *copier) copyUnmatched(src, dst string) error {
	at, err := c.dst.Resolve(dst)
	if err != nil {
		return err
	}
	if _, err := c.dst.Lstat(at); errors.Is(err, fs.ErrNotExist) && !hasWildcard(path.Base(src)) && !strings.HasSuffix(dst, "/") && !strings.HasSuffix(dst, "/.") && !c.isDir(at) {
		return c.copyUnknown(src, at, c.heldBy(src))
	}
	return c.markUnknownContent(dst, c.matched(src))
}

// markUnknownContent records that entries of unknown names went to the destination, and who may have made them.
func (c *copier) markUnknownContent(dst string, by *rootfs.Mays) error {
	at, err := c.dst.Resolve(dst)
	if err != nil {
		return err
	}
	if err := c.mkdirAll(at, c.attrs.dirPerm()); err != nil {
		return err
	}
	return c.dst.SetAttr(at, func(a *rootfs.Attr) { a.May = a.May.Join(by) })
}

// copy is fsutil/copy.Copy for one source without wildcards.
func (c *copier) copy(src, dst string) error {
	ensure := dst
	if d, f := path.Split(dst); f != "" && f != "." {
		ensure = d
	}
	at, err := c.dst.Resolve(ensure)
	if err != nil {
		return err
	}
	if err := c.mkdirAll(at, c.attrs.dirPerm()); err != nil {
		return err
	}
	dst, err = c.dst.Resolve(path.Clean(dst))
	if err != nil {
		return err
	}
	var srcAt string
	if c.action.FollowSymlinks {
		srcAt, err = c.src.Resolve(src)
	} else {
		srcAt, err = c.src.ResolveParent(src)
	}
	if err != nil {
		return err
	}
	node, err := c.src.Lstat(srcAt)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && c.src.CouldHold(srcAt) {
			node = rootfs.NewNode(rootfs.Attr{Kind: rootfs.KindUnknown})
		} else {
			return err
		}
	}
	if node.Kind == rootfs.KindUnknown {
		return c.copyUnknown(src, dst, c.src.HeldBy(srcAt))
	}
	if twin := c.attrs.twins.instead(c, node, srcAt, dst); twin != nil {
		return c.dst.Put(dst, twin)
	}
	target, err := c.prepareTarget(node, src, dst)
	if err != nil {
		return err
	}
	if err := c.copyNode(node, "", target, false, patternmatcher.MatchInfo{}, patternmatcher.MatchInfo{}); err != nil {
		return err
	}
	unsure := steps.Unsure(c.src, srcAt)
	if !node.IsDir() && !unsure {
		return nil
	}
	return c.dst.SetAttr(target, func(a *rootfs.Attr) {
		if a.Unsure = a.Unsure || unsure; !node.IsDir() {
			return
		}
		// A directory that was made for the content of another one comes from it.
		if a.Op == c.attrs.op && a.Implied && a.Source == nil {
			a.Source, a.Implied = node, false
		}
		if c.include == nil {
			a.May = a.May.Join(c.src.HeldBy(srcAt))
		}
	})
}

// copyUnknown puts a source of which nothing is known: a file, or the content of a directory.
func (c *copier) copyUnknown(src, dst string, by *rootfs.Mays) error {
	existing, err := c.dst.Lstat(dst)
	if err == nil && existing.IsDir() {
		return c.dst.SetAttr(dst, func(a *rootfs.Attr) { a.May = a.May.Join(by) })
	}
	if err := c.mkdirAll(path.Dir(dst), c.attrs.dirPerm()); err != nil {
		return err
	}
	return c.dst.Put(dst, rootfs.NewNode(rootfs.Attr{Kind: rootfs.KindUnknown, Op: c.attrs.op, Origin: src, May: by}))
}

// prepareTarget is copier.prepareTargetDir: where the source goes, and the directories for it.
func (c *copier) prepareTarget(src *rootfs.Node, srcPath, dst string) (string, error) {
	existing, err := c.dst.Lstat(dst)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	contents := c.action.ContentsOnly
	if existing == nil && !src.IsDir() && c.isDir(dst) {
		dst = path.Join(dst, path.Base(srcPath))
	}
	if (!contents && src.IsDir() && existing != nil) || (!src.IsDir() && existing != nil && existing.IsDir()) {
		dst = path.Join(dst, path.Base(srcPath))
	}
	dir := path.Dir(dst)
	if contents && src.IsDir() && existing == nil {
		dir = dst
	}
	return dst, c.mkdirAll(dir, c.attrs.dirPerm())
}

// copyNode is copier.copy: it puts one entry of the source, with all below it, at target.
func (c *copier) copyNode(src *rootfs.Node, rel, target string, overwrite bool, incParent, excParent patternmatcher.MatchInfo) error {
	if err := beyond(c.attrs.at, c.attrs.cost.kept.Steps(1)); err != nil {
		return err
	}
	include, excluded := true, false
	var incInfo, excInfo patternmatcher.MatchInfo
	if rel != "" {
		var err error
		if c.include != nil {
			include, incInfo, err = c.include.MatchesUsingParentResults(rel, incParent)
			if err != nil {
				return fmt.Errorf("matching include patterns: %w", err)
			}
		}
		if c.exclude != nil {
			excluded, excInfo, err = c.exclude.MatchesUsingParentResults(rel, excParent)
			if err != nil {
				return fmt.Errorf("matching exclude patterns: %w", err)
			}
		}
		include = include && !excluded
		if !include && c.include == nil && !c.excludeHasNegations() {
			return nil
		}
	}
	if !include && !src.IsDir() {
		return nil
	}
	existing, err := c.dst.LstatThrough(target)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if existing != nil && existing.Kind == rootfs.KindUnknown {
		existing = nil
	}
	if include {
		if c.action.Replace && existing != nil && !(src.IsDir() && existing.IsDir()) {
			if err := c.dst.Remove(target); err != nil {
				return err
			}
			existing = nil
		}
		if err := c.createParents(overwrite); err != nil {
			return err
		}
	}
	if src.IsDir() {
		if existing == nil && include && c.include == nil && c.exclude == nil {
			return c.dst.Put(target, c.attrs.copyNode(src, c.attrs.twins.at(target)))
		}
		return c.copyDir(src, rel, target, existing, overwrite, include, excluded, incInfo, excInfo)
	}
	if existing != nil && existing.IsDir() {
		return fmt.Errorf("cannot replace to directory %s with file", target)
	}
	return c.dst.Put(target, c.attrs.copyNode(src, nil))
}

// copyDir is copier.copyDirectory with the change of metadata that copier.copy makes after it.
func (c *copier) copyDir(src *rootfs.Node, rel, target string, existing *rootfs.Node, overwrite, include, excluded bool, incInfo, excInfo patternmatcher.MatchInfo) error {
	created := false
	parent := parentDir{src: src, dst: target}
	if include {
		var err error
		if created, err = c.copyDirOnly(src, target, existing, overwrite); err != nil {
			return err
		}
		parent.copied = true
	}
	c.parents = append(c.parents, parent)
	defer func() { c.parents = c.parents[:len(c.parents)-1] }()

	if !excluded || c.excludeHasNegations() {
		children, err := src.Children()
		if err != nil {
			return err
		}
		for _, ch := range children {
			if err := c.copyNode(ch.Node, path.Join(rel, ch.Name), path.Join(target, ch.Name), true, incInfo, excInfo); err != nil {
				return err
			}
		}
	}
	// Only what was made here, or may be overwritten, takes the metadata of the source.
	if (created || overwrite) && include {
		return c.dst.SetAttr(target, func(a *rootfs.Attr) { c.attrs.overwriteDir(a, src) })
	}
	return nil
}

// copyDirOnly is copyDirectoryOnly: the directory without its content and, as there, with the mode of the source.
func (c *copier) copyDirOnly(src *rootfs.Node, target string, existing *rootfs.Node, overwrite bool) (created bool, err error) {
	if existing == nil {
		a := src.Attr
		a = c.attrs.apply(a, src)
		a.Perm, a.Owner = src.Perm, rootfs.Owner{}
		return true, c.dst.Put(target, rootfs.NewNode(a))
	}
	if !existing.IsDir() {
		return false, &notDirError{target}
	}
	if overwrite {
		return false, c.dst.SetAttr(target, func(a *rootfs.Attr) { a.Perm = src.Perm })
	}
	return false, nil
}

// createParents is copier.createParentDirs: the directories on the way to an entry that an include pattern takes.
func (c *copier) createParents(overwrite bool) error {
	for i := range c.parents {
		p := &c.parents[i]
		if p.copied {
			continue
		}
		existing, err := c.dst.LstatThrough(p.dst)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if existing != nil && existing.Kind == rootfs.KindUnknown {
			existing = nil
		}
		created, err := c.copyDirOnly(p.src, p.dst, existing, overwrite)
		if err != nil {
			return err
		}
		if created {
			if err := c.dst.SetAttr(p.dst, func(a *rootfs.Attr) { c.attrs.overwriteDir(a, p.src) }); err != nil {
				return err
			}
		}
		p.copied = true
	}
	return nil
}

func (c *copier) excludeHasNegations() bool { return c.exclude != nil && c.exclude.Exclusions() }

func (c *copier) mkdirAll(p string, perm uint16) error {
	return mkdirAll(c.dst, p, perm, c.attrs.owner, c.attrs.op)
}
