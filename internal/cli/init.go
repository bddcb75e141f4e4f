package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/project"
)

func (a *app) initCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "init [DIR]", Short: "Write a configuration from what was found", Args: maxOneArg,
		Long: `Write ` + policy.FileName + ` from what was found below DIR: the Dockerfiles and the context of each. It is a
start, to which requirements are added.`,
		Example: "  ctxaudit init --force\n  ctxaudit init --force .",
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite an existing "+policy.FileName)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir := "."
		if len(args) > 0 {
			dir = args[0]
		}
		if err := project.Disk.CheckContext(dir); err != nil {
			return err
		}
		subjects, err := project.Discover(cmd.Context(), project.Disk, dir)
		if err != nil {
			return err
		}
		name := filepath.Join(dir, policy.FileName)
		text := configuration(dir, subjects)
		// What is written must be what is read.
		if _, err := policy.Parse(name, []byte(text)); err != nil {
			return fmt.Errorf("writing configuration: %w", err)
		}
		flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
		if force {
			flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		}
		f, err := os.OpenFile(name, flags, 0o644)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s exists; --force overwrites it", name)
		}
		if err != nil {
			return fmt.Errorf("writing configuration: %w", err)
		}
		if _, err := f.WriteString(text); err != nil {
			f.Close()
			return fmt.Errorf("writing configuration: %w", err)
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("writing configuration: %w", err)
		}
		_, err = fmt.Fprintf(a.env.Stdout, "wrote %s: %d images\n", name, len(subjects))
		return err
	}
	return cmd
}

// configuration gives a configuration file for what was found, with one commented example of each requirement.
func configuration(dir string, subjects []audit.Subject) string {
	var b strings.Builder
	b.WriteString("# yaml-language-server: $schema=" + policy.SchemaID + "\n")
	fmt.Fprintf(&b, "version: %d\nimages:\n", policy.Version)
	rel := func(p string) string {
		if r, err := filepath.Rel(dir, p); err == nil {
			return filepath.ToSlash(r)
		}
		return p
	}
	for _, s := range subjects {
		fmt.Fprintf(&b, "  %q:\n    context: %q\n    dockerfile: %q\n", s.Name, rel(s.Options.Context), rel(s.Options.Dockerfile))
	}
	b.WriteString(`    # What this image must hold, and must not:
    # require:
    #   modules: [src/app]            # every file of it that git tracks must reach the image
    #   paths: [/app/config.yaml]
    #   env:
    #     PYTHONPATH: {contains: /app, dirs-exist: true}
    #   entrypoint-exists: true
    # forbid:
    #   paths: ["/**/.env"]
    # entrypoints: [python -m app.worker]   # more commands whose imports are followed
`)
	return b.String()
}
