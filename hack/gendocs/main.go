// Command gendocs writes the parts of docs/ that are generated: the commands' help, the rules' pages, the schema of the
// configuration file with its page, and the picture of a finding. With -check it only tells what is out of date.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/invopop/jsonschema"
	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/cli"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail if a file is out of date")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	schema, err := policy.Schema()
	if err != nil {
		return err
	}
	records, err := reportSchema()
	if err != nil {
		return err
	}
	settings, err := configuration(schema)
	if err != nil {
		return err
	}
	finding, err := picture()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"docs/configuration.md":     settings,
		"docs/finding.svg":          finding,
		"docs/report.schema.json":   records,
		"docs/ctxaudit.schema.json": schema,
		"docs/commands.md":          commands(),
		"docs/rules.md":             rules(),
	}
	for _, r := range audit.Rules() {
		files["docs/rules/"+r.Name+".md"] = rule(r)
	}
	pages, err := filepath.Glob("docs/rules/*.md")
	if err != nil {
		return err
	}
	var stale []string
	for _, name := range pages {
		if files[filepath.ToSlash(name)] != nil {
			continue
		}
		if check {
			stale = append(stale, name)
		} else if err := os.Remove(name); err != nil {
			return err
		}
	}
	for name, want := range files {
		have, err := os.ReadFile(name)
		if err == nil && bytes.Equal(have, want) {
			continue
		}
		if check {
			stale = append(stale, name)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, want, 0o644); err != nil {
			return err
		}
	}
	if len(stale) > 0 {
		return fmt.Errorf("out of date: %s; run make docs", strings.Join(stale, ", "))
	}
	return nil
}

// reportSchema gives the JSON Schema of what check --format json writes, generated from its Go types.
func reportSchema() ([]byte, error) {
	s := (&jsonschema.Reflector{ExpandedStruct: true, AllowAdditionalProperties: true}).Reflect(&finding.Report{})
	s.ID, s.Title = "https://raw.githubusercontent.com/ctxaudit/ctxaudit/main/docs/report.schema.json", "report of ctxaudit check"
	out, err := json.MarshalIndent(s, "", "  ")
	return append(out, '\n'), err
}

// commands gives the help of every command.
func commands() []byte {
	var b bytes.Buffer
	b.WriteString("# Commands\n\nGenerated from the program's own help.\n")
	var show func(cmd *cobra.Command)
	show = func(cmd *cobra.Command) {
		if !cmd.HasParent() || cmd.Runnable() && !cmd.HasSubCommands() || cmd.Name() == "completion" {
			_, args, _ := strings.Cut(cmd.CommandPath(), " ")
			var out bytes.Buffer
			cli.Run(context.Background(), cli.Env{Stdout: &out, Stderr: io.Discard, Given: cli.Given{
				Args: append(strings.Fields(args), "--help"), Stdin: strings.NewReader(""),
				Getenv: func(string) string { return "" }, LookupEnv: func(string) (string, bool) { return "", false },
			}})
			fmt.Fprintf(&b, "\n## %s\n\n```text\n%s```\n", cmd.CommandPath(), out.String())
		}
		for _, c := range cmd.Commands() {
			if !c.Hidden && c.Name() != "help" && cmd.Name() != "completion" {
				show(c)
			}
		}
	}
	root := cli.Command()
	root.InitDefaultCompletionCmd()
	show(root)
	b.WriteString("\n## What why answers\n\nThe verdict of an answer in JSON, and what it says.\n\n| verdict | says | exit code |\n|---|---|---|\n")
	for _, v := range why.Verdicts() {
		code := 1
		if v.Verdict.Good() {
			code = 0
		}
		fmt.Fprintf(&b, "| `%s` | %s | %d |\n", v.Verdict, v.Meaning, code)
	}
	return b.Bytes()
}

// rules gives the list of all rules.
func rules() []byte {
	var b bytes.Buffer
	b.WriteString("# Rules\n\nGenerated from the rules themselves; `ctxaudit rules` prints the same, and `ctxaudit rules NAME` the page of one.\n\n" +
		"| rule | default | reports |\n| --- | --- | --- |\n")
	for _, r := range audit.Rules() {
		fmt.Fprintf(&b, "| [%[1]s](rules/%[1]s.md) | %s | %s |\n", r.Name, r.Severity, r.Title)
	}
	return b.Bytes()
}

// since is the release that brought a rule, of those that are younger than the first.
var since = map[string]string{}

// rule gives the page of one rule.
func rule(r audit.Rule) []byte {
	return []byte(strings.Replace(r.Doc(), "# "+r.Name+"\n", fmt.Sprintf("# %s\n\nDefault severity: %s. Since %s.\n", r.Name, r.Severity, cmp.Or(since[r.Name], "1.0.0")), 1))
}
