package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/report"
)

// What the linker sets in a release (-X): a build from an archive or in a container has no repository to ask. Elsewhere
// the Go toolchain knows: the module's version for go install, the commit for go build.
var linkedVersion, linkedCommit, linkedDate string

// buildInfo describes this program.
type buildInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Date     string `json:"date,omitempty"`     // of the commit, RFC 3339
	Modified bool   `json:"modified,omitempty"` // built from more than the commit
	BuildKit string `json:"buildkit"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisBuild() buildInfo {
	b := buildInfo{
		Version: "(devel)", BuildKit: dockerfile.BuildKitVersion,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			b.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Date = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	if linkedVersion != "" {
		b.Version, b.Commit, b.Date, b.Modified = linkedVersion, linkedCommit, linkedDate, false
	}
	return b
}

func version() string { return thisBuild().Version }

// String is the build in a line.
func (b buildInfo) String() string {
	out := "ctxaudit " + b.Version
	if len(b.Commit) >= 12 {
		out += " (" + b.Commit[:12]
		if b.Modified {
			out += " and changes"
		}
		if t, err := time.Parse(time.RFC3339, b.Date); err == nil {
			out += " of " + t.UTC().Format(time.DateOnly)
		}
		out += ")"
	}
	return out + ", BuildKit " + b.BuildKit
}

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "version", Short: "Print the versions of ctxaudit and of the BuildKit that it predicts", Args: noArgs,
		Example: "  ctxaudit version\n  ctxaudit version --format json",
	}
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(*cobra.Command, []string) error {
		form, err := format()
		if err != nil {
			return err
		}
		if form == "json" {
			return report.JSON(a.out, thisBuild())
		}
		_, err = fmt.Fprintln(a.out, thisBuild())
		return err
	}
	return cmd
}
