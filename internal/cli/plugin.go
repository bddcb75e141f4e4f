package cli

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/report"
)

// As a plugin of the docker command the program is called docker-ctxaudit. docker asks it to describe itself, and hands
// over its own command line: its global flags, the plugin's name, the rest.
//
// docker/cli has a package for plugins. It is not used: it makes a connected docker client out of every plugin, which
// none of our commands wants, and would add 3.4 MB, an eighth, to the binary. What docker expects of a plugin is the little
// that stands here; a test has a real docker call it.
const (
	pluginName     = "ctxaudit"
	pluginProgram  = "docker-" + pluginName
	pluginMetadata = "docker-cli-plugin-metadata"
	// pluginSocket names the variable with the socket that docker closes when it was told to end.
	pluginSocket = "DOCKER_CLI_PLUGIN_SOCKET"
)

// programURL is where people find out about the program.
const programURL = "https://github.com/ctxaudit/ctxaudit"

// isPlugin reports whether the program was called by the name that docker looks for.
func isPlugin(program string) bool {
	base := strings.TrimSuffix(strings.ToLower(filepath.Base(program)), ".exe")
	return base == pluginProgram
}

// describePlugin answers docker's question what this plugin is. docker lists no plugin without these fields.
func describePlugin(out io.Writer) error {
	return report.JSON(out, map[string]string{
		"SchemaVersion": "0.1.0", "Vendor": "ctxaudit", "Version": version(), "URL": programURL,
		"ShortDescription": "Check an image before it is built",
	})
}

// pluginArgs gives our own command line in the one that docker handed over, and whether it is one of docker's: the program
// may also be called by the plugin's name without docker, with a command line of its own.
//
//	docker --debug ctxaudit check .      is   check .
//	docker help ctxaudit check           is   check --help
//	docker __complete ctxaudit check -   is   __complete check -
func pluginArgs(args []string) (own []string, ofDocker bool) {
	rest, ok := afterDockerFlags(args)
	if !ok || len(rest) == 0 {
		return args, false
	}
	if rest[0] == pluginName {
		return rest[1:], true
	}
	if len(rest) < 2 || rest[1] != pluginName {
		return args, false
	}
	switch rest[0] {
	case "help":
		return append(slices.Clone(rest[2:]), "--help"), true
	case cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd:
		return append([]string{rest[0]}, rest[2:]...), true
	}
	return args, false
}

// afterDockerFlags passes over the flags of the docker command, which are about a daemon: nothing here asks one.
func afterDockerFlags(args []string) (rest []string, ok bool) {
	fl := pflag.NewFlagSet("docker", pflag.ContinueOnError)
	fl.SetOutput(io.Discard)
	fl.SetInterspersed(false)
	fl.Usage = func() {}
	for _, name := range []string{"config", "tlscacert", "tlscert", "tlskey"} {
		fl.String(name, "", "")
	}
	fl.StringP("context", "c", "", "")
	fl.StringP("log-level", "l", "", "")
	fl.StringArrayP("host", "H", nil, "")
	fl.BoolP("debug", "D", false, "")
	fl.Bool("tls", false, "")
	fl.Bool("tlsverify", false, "")
	help := fl.BoolP("help", "h", false, "")
	if fl.Parse(args) != nil {
		return nil, false
	}
	rest = fl.Args()
	if *help && len(rest) > 0 {
		rest = append(slices.Clone(rest), "--help")
	}
	return rest, true
}

// untilDockerEnds gives a context that ends when docker does: docker closes the socket on a signal that the plugin did
// not get, because it was sent to docker alone.
func untilDockerEnds(ctx context.Context, socket string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if socket == "" {
		return ctx, cancel
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return ctx, cancel // an older docker, or a variable that was left over
	}
	go func() {
		_, _ = io.Copy(io.Discard, conn)
		cancel()
	}()
	return ctx, func() { cancel(); conn.Close() }
}

// ownCalls are the places of a help text where the program is called: an example, or a pipe into it.
var ownCalls = lazyre.New(`(?m)(^  |\| )` + pluginName + " ")

// callDocker makes the help texts of commands say what a user of the plugin types.
func callDocker(root *cobra.Command) {
	name := "docker " + pluginName
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: name}
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, text := range []*string{&cmd.Example, &cmd.Long} {
			*text = ownCalls().ReplaceAllString(*text, "${1}"+name+" ")
		}
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	visit(root)
}
