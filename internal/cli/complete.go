package cli

import (
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/baseimage"
	"github.com/ctxaudit/ctxaudit/internal/git"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/report"
)

// addCompletions tells the shell, for every command, what its arguments and the values of its flags may be. A flag means
// the same wherever it is, so it is completed by its name; what differs (--format) was said where the flag was made.
func (a *app) addCompletions(root *cobra.Command) {
	fixed := func(values ...cobra.Completion) cobra.CompletionFunc {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	severities := fixed("error\tonly what is proved", "warning\tand what is likely", "note\tand everything else")
	flags := map[string]cobra.CompletionFunc{
		"color": fixed("auto", "always", "never"), "fixes": fixed("best", "all", "none"), "untracked": fixed("auto", "yes", "no"),
		"base-from": fixed("daemon"), "from": fixed("daemon"),
		"fail-on": severities, "platform": fixed("linux/amd64", "linux/arm64", "linux/arm/v7"),
		"target": a.completeStages, "build-arg": a.completeBuildArgs, "image": a.completeImages, "timeout": fixed("30s", "1m", "5m", "0\tno limit"),
		"new-since": completeRevisions, "context": directories, "require-module": directories,
		"file": fileNames, "baseline": fileNames, "traceback": fileNames, "config": withExtension("yaml", "yml"),
		// These are free text.
		"build-context": nothing, "base": nothing, "export": fixed(structureTest, checkScript), "require-path": nothing, "require-env": nothing, "forbid-path": nothing, "finding": nothing,
	}
	arguments := map[string]cobra.CompletionFunc{
		"rules": completeRules, "version": nothing, "diff": atMost(2, completeRevisions), "why": completeTargets, "hook": fileNames,
		"pull": nothing, "add": nothing, "rm": completeBases, "verify": fileNames,
	}
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		register := func(f *pflag.Flag) {
			if fn := flags[f.Name]; fn != nil {
				if _, have := cmd.GetFlagCompletionFunc(f.Name); !have {
					// It fails only if there is no such flag, or it has one.
					_ = cmd.RegisterFlagCompletionFunc(f.Name, fn)
				}
			}
		}
		cmd.LocalFlags().VisitAll(register)
		if !cmd.HasSubCommands() && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = arguments[cmd.Name()]
			if cmd.ValidArgsFunction == nil { // [CONTEXT]
				cmd.ValidArgsFunction = atMost(1, directories)
			}
		}
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	visit(root)
}

func nothing(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func fileNames(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

func directories(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

func withExtension(extensions ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
}

// atMost completes no more than some arguments.
func atMost(n int, fn cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= n {
			return nothing(cmd, args, word)
		}
		return fn(cmd, args, word)
	}
}

// completeTargets completes the arguments of why: a target, which may well be a file, and a context.
func completeTargets(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return fileNames(cmd, args, word)
	case 1:
		return directories(cmd, args, word)
	}
	return nothing(cmd, args, word)
}

func completeRules(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	for _, r := range audit.Rules() {
		if len(args) == 0 {
			out = append(out, cobra.CompletionWithDesc(r.Name, r.Title))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// contextArgument gives the CONTEXT of a command line that is being typed.
func contextArgument(cmd *cobra.Command, args []string) string {
	if f := cmd.Flags().Lookup("context"); f != nil {
		return f.Value.String()
	}
	if cmd.Name() == "why" && len(args) > 0 {
		args = args[1:]
	}
	return contextOf(args)
}

// typedDockerfile reads the names of the Dockerfile that a command line is about so far.
func (a *app) typedDockerfile(cmd *cobra.Command, args []string) dockerfile.Names {
	name, _ := cmd.Flags().GetString("file")
	if name == "" {
		name = filepath.Join(contextArgument(cmd, args), "Dockerfile")
	}
	data, err := a.see(cmd.Context(), contextArgument(cmd, args)).ReadNamed(name, dockerfile.MaxSize)
	if err != nil {
		return dockerfile.Names{}
	}
	return dockerfile.ReadNames(data)
}

func (a *app) completeStages(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return typeable(a.typedDockerfile(cmd, args).Stages), cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeBuildArgs(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	for _, name := range typeable(a.typedDockerfile(cmd, args).Args) {
		out = append(out, name+"=")
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeImages gives the images that the command would find.
func (a *app) completeImages(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	config, _ := cmd.Flags().GetString("config")
	dir := contextArgument(cmd, args)
	found, err := a.see(cmd.Context(), dir).Disk("no").Images(cmd.Context(), project.Asked{Options: dockerfile.Options{Context: dir}, Config: config})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, s := range found.Subjects {
		out = append(out, s.Name)
	}
	return typeable(out), cobra.ShellCompDirectiveNoFileComp
}

// typeable leaves out names that are not shown as they are: what is shown is what the shell would take.
func typeable(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return report.Name(name) != name })
}

// completeRevisions gives the branches and tags of the repository.
func completeRevisions(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	repo, err := git.Find(contextArgument(cmd, nil))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer repo.Close()
	out, err := repo.Revisions(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return append([]cobra.Completion{"HEAD"}, typeable(out)...), cobra.ShellCompDirectiveNoFileComp
}

// completeBases gives the base images that were fetched.
func completeBases(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	if c, err := baseimage.OpenCache(false); err == nil {
		defer c.Close()
		list, _ := c.List() // what cannot be read is not completed
		for _, p := range list {
			out = append(out, p.Ref)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
