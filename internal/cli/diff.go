package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/gitfs"
	"github.com/ctxaudit/ctxaudit/internal/imagediff"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/report"
)

func (a *app) diffCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use: "diff BASE [HEAD]", Short: "Tell what a change does to the images",
		Long: `Tell what the change from revision BASE to revision HEAD, or to the working tree, does to the
images: the files that enter and leave them with their reason, the settings that change, and
the findings that appear and disappear.

The revisions are read straight from the repository's objects: nothing is checked out,
stashed or fetched. The images are those that check would find, in each state by itself.

Exits with 1 if a finding at or above --fail-on appears.`,
		Example: `  ctxaudit diff HEAD
  ctxaudit diff HEAD~1 HEAD
  ctxaudit diff origin/main --format markdown >> "$GITHUB_STEP_SUMMARY"
  ctxaudit diff origin/main --context . --format json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 {
				return usagef(cmd, "want BASE and at most one HEAD, got %d arguments", len(args))
			}
			return nil
		},
	}
	f.registerCheck(cmd)
	dir := cmd.Flags().String("context", ".", "build context, or where Dockerfiles are looked for")
	format := formatFlag(cmd, "text", "json", "markdown")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		form, err := format()
		if err != nil {
			return err
		}
		failOn, err := finding.ParseSeverity(f.failOn)
		if err != nil {
			return usagef(cmd, "--fail-on: %w", err)
		}
		if f.file == "-" {
			return usagef(cmd, "a Dockerfile from standard input is of no revision")
		}
		watch := a.progress()
		defer watch.end()
		watch.at("reading revision %s", args[0])
		base, err := a.openRevision(cmd, *dir, args[0])
		if err != nil {
			return err
		}
		defer base.Close()
		before, err := a.revisionSubjects(cmd, base, &f, *dir)
		if err != nil {
			return err
		}
		after, name := []audit.Subject(nil), "the working tree"
		if len(args) == 2 {
			name = args[1]
			head, err := a.openRevision(cmd, *dir, name)
			if err != nil {
				return err
			}
			defer head.Close()
			if after, err = a.revisionSubjects(cmd, head, &f, *dir); err != nil {
				return err
			}
		} else {
			found, err := a.subjects(cmd, &f, []string{*dir})
			if err != nil {
				return err
			}
			after = found.Subjects
		}
		watch.at("comparing images")
		d, err := imagediff.Compare(cmd.Context(), before, after)
		watch.end()
		if err != nil {
			return err
		}
		d.Base, d.Head = args[0], name
		switch form {
		case "json":
			err = report.JSON(a.out, d)
		case "markdown":
			err = report.DiffMarkdown(a.out, d)
		default:
			err = report.Diff(a.out, d, a.style())
		}
		if err != nil {
			return err
		}
		for _, img := range d.Images {
			for _, g := range img.New {
				if g.Severity.AtLeast(failOn) {
					return exitCode(exitFindings)
				}
			}
		}
		return nil
	}
	return cmd
}

// revisionSubjects gives the images of a revision. That there is none yet is no error.
func (a *app) revisionSubjects(cmd *cobra.Command, r *gitfs.Revision, f *checkFlags, dir string) ([]audit.Subject, error) {
	found, err := a.subjectsIn(cmd, a.world.Revision(r), f, []string{dir})
	var none *project.NoDockerfileError
	if errors.As(err, &none) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("at revision %s: %w", r.Name, err)
	}
	return found.Subjects, nil
}

// onlyNew leaves of each report the findings that a revision does not have, and gives how many it leaves out.
func (a *app) onlyNew(cmd *cobra.Command, images []finding.ImageReport, f *checkFlags, dir string) (old int, err error) {
	r, err := a.openRevision(cmd, dir, f.newSince)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	subjects, err := a.revisionSubjects(cmd, r, f, dir)
	if err != nil {
		return 0, err
	}
	return a.engine().OnlyNew(cmd.Context(), images, subjects, f.newSince, f.options())
}

// openRevision opens a revision of the repository around a directory.
func (a *app) openRevision(cmd *cobra.Command, dir, name string) (*gitfs.Revision, error) {
	a.disk(cmd.Context(), dir, "auto")
	repo, err := a.world.Repository(dir)
	if err != nil {
		return nil, err
	}
	r, err := gitfs.Open(cmd.Context(), repo, name)
	if err != nil {
		return nil, err
	}
	if n := len(r.Refused); n > 0 {
		a.tell([]finding.Notice{{File: "revision " + name, Text: fmt.Sprintf("its tree has %d names that git would not check out, such as %q: they are left out", n, r.Refused[0])}})
	}
	return r, nil
}
