package cli

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/files"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/report"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

func (a *app) initCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "init [DIR]", Short: "Write a configuration for the images of this repository", Args: maxOneArg,
		Long: `Write ` + policy.FileName + ` for the images below DIR: those that its Compose files, Bake files, workflows and so
on describe, and its other Dockerfiles with their contexts. Add your requirements to it.`,
		Example: "  ctxaudit init --force\n  ctxaudit init --force .",
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite an existing "+policy.FileName)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir := "."
		if len(args) > 0 {
			dir = args[0]
		}
		disk := a.see(cmd.Context(), dir).Disk("auto")
		if err := disk.CheckContext(dir); err != nil {
			return err
		}
		found, err := project.Discover(cmd.Context(), disk, dir)
		if err != nil {
			return err
		}
		a.tell(found.Notices)
		name := filepath.Join(dir, policy.FileName)
		text := configuration(dir, found.Subjects)
		// What is written must be what is read.
		if _, err := policy.Parse(name, []byte(text)); err != nil {
			return fmt.Errorf("writing configuration: %w", err)
		}
		if _, err := files.Lstat(name); err == nil && !force {
			return fmt.Errorf("%s exists; --force overwrites it", name)
		}
		if err := a.world.Write(name, []byte(text)); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		_, err = fmt.Fprintf(a.out, "wrote %s: %d images\n", name, len(found.Subjects))
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
		if s.Options.Dockerfile == "-" {
			fmt.Fprintf(&b, "  # %q is not included: its Dockerfile is in %s.\n", s.Name, report.At(s.Sources[0].File, s.Sources[0].Line))
			continue
		}
		fmt.Fprintf(&b, "  %q:\n    context: %q\n    dockerfile: %q\n", s.Name, rel(s.Options.Context), rel(s.Options.Dockerfile))
		if s.Options.Target != "" {
			fmt.Fprintf(&b, "    target: %q\n", s.Options.Target)
		}
		if s.Options.Platform != "" {
			fmt.Fprintf(&b, "    platform: %q\n", s.Options.Platform)
		}
		writeMap(&b, "build-args", s.Options.BuildArgs, func(v string) string { return v })
		writeMap(&b, "build-contexts", s.Options.BuildContexts, func(v string) string {
			if strings.Contains(v, "://") {
				return v
			}
			return rel(v)
		})
		if commands := startCommands(s.Starts); len(commands) > 0 {
			fmt.Fprintf(&b, "    entrypoints: [%s]\n", strings.Join(commands, ", "))
		}
	}
	b.WriteString(`    # Requirements of this image:
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

// writeMap writes a mapping of an image, sorted, if there is anything in it.
func writeMap(b *strings.Builder, name string, m map[string]string, value func(string) string) {
	if len(m) == 0 {
		return
	}
	fmt.Fprintf(b, "    %s:\n", name)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(b, "      %q: %q\n", k, value(m[k]))
	}
}

// startCommands gives the commands that replace the image's own, quoted, as a shell takes them. Those that run mounted code
// say nothing of the image.
func startCommands(starts []audit.Start) []string {
	var out []string
	for _, s := range starts {
		argv := append(slices.Clone(s.Entrypoint), s.Command...)
		if s.Command == nil || len(s.Mounts) > 0 {
			continue
		}
		for i, a := range argv {
			if quoted, ok := shell.Quote(a); ok {
				argv[i] = quoted
			}
		}
		if line := fmt.Sprintf("%q", strings.Join(argv, " ")); !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}
