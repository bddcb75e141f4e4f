package command

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// runners start programs that packages of Node bring, by the subcommands that do so; "" for a program that does nothing else.
var runners = map[string]string{"npx": "", "bunx": "", "pnpx": "", "npm": "exec x", "pnpm": "exec dlx", "yarn": "exec dlx", "yarnpkg": "exec dlx", "bun": "x"}

const runnerValued = "-p --package --cache --loglevel --userconfig --registry --reporter --allow-build"

// OfPackage gives the call of the program that a runner of packages starts in the working directory, nil if that is not told.
func OfPackage(c *Call) *Call {
	subs, ok := runners[c.Base]
	words := c.Args
	if subs != "" {
		if ok = len(words) > 0 && set(subs)[words[0].Text]; ok {
			words = words[1:]
		}
	}
	o := Leading(words, runnerValued)
	if !ok || len(o.Operands) == 0 || o.Has("-c", "--call", "--shell-mode", "-w", "--workspace", "-ws", "--workspaces", "-C", "--dir", "--cwd", "--prefix", "-r", "--recursive") {
		return nil
	}
	return ProgramOf(c, o.Operands)
}

// ProgramOf gives the call of a program of a package by its name, which may have a version behind it; nil if the name is not known.
func ProgramOf(c *Call, words []shell.Word) *Call {
	name := words[0]
	if base, ok := scoped[name.Text]; ok {
		name.Text = base
	}
	if !name.Known() || strings.Contains(name.Text, "/") {
		return nil
	}
	name.Text, _, _ = strings.Cut(name.Text, "@")
	program := *c
	program.Name, program.Base, program.Args = name, name.Text, words[1:]
	return &program
}

// scoped are programs by the names of the packages that bring them, where those are other names.
var scoped = map[string]string{"@vercel/ncc": "ncc", "@nestjs/cli": "nest", "@angular/cli": "ng", "typescript": "tsc"}

// RunsPackages reports whether a program starts those of packages.
func RunsPackages(name string) bool { _, ok := runners[name]; return ok }

// NodeConfig is a configuration file that is a program of JavaScript or TypeScript.
type NodeConfig struct {
	File, Text string
	Imports    []string // what it imports or requires, as it is written
}

var nodeEndings = []string{".ts", ".js", ".mts", ".mjs", ".cts", ".cjs"}

// configImport is an import or a require, as far as a line tells.
var configImport = regexp.MustCompile(`(?m)(?:^\s*import\s+|^\s*import\s[^'"` + "`" + `;]*?\bfrom\s*|^\}\s*from\s*|^\s*export\s[^'"` + "`" + `;]*?\bfrom\s*|\brequire\(\s*|\bimport\(\s*)['"]([^'"]+)['"]`)

// NodeConfigOf finds a configuration by its name without the ending in a directory. found is false if surely none is there; its text is
// "" if it is not known.
func NodeConfigOf(files shell.Files, dir, name string) (c NodeConfig, found bool) {
	for _, ext := range nodeEndings {
		file := path.Join(dir, name+ext)
		if files.Stat(file) == shell.Absent {
			continue
		}
		c.File = file
		if data, err := files.Read(file); err == nil {
			c.Text = string(data)
		}
		for _, m := range configImport.FindAllStringSubmatch(c.Text, -1) {
			c.Imports = append(c.Imports, m[1])
		}
		return c, true
	}
	return c, false
}

var acts = regexp.MustCompile(`write|mkdir|copy|\brm\b|unlink|exec|spawn|rename`)

// Plain reports whether a configuration surely does nothing but configure: it imports only what is known, by names or with a `/` at the
// end by their beginnings, and nothing of the repository.
func (c NodeConfig) Plain(known string) bool {
	return c.Text != "" && !acts.MatchString(c.Text) && !slices.ContainsFunc(c.Imports, func(name string) bool {
		return !strings.HasPrefix(name, "node:") && !slices.ContainsFunc(strings.Fields("path url os process "+known), func(k string) bool {
			return name == k || strings.HasSuffix(k, "/") && strings.HasPrefix(name, k)
		})
	})
}

// VitePlugins are packages for configurations of vite that write nothing but what vite puts into its output.
const VitePlugins = `vite vitest/config @vitejs/ @tailwindcss/vite tailwindcss autoprefixer vite-tsconfig-paths vite-plugin-svgr vite-svg-loader
	rollup-plugin-visualizer vite-plugin-eslint vite-plugin-checker vite-plugin-compression @sentry/vite-plugin vite-plugin-static-copy
	unplugin-icons/vite vite-plugin-vuetify vite-plugin-environment @originjs/vite-plugin-commonjs @preact/preset-vite vite-plugin-solid`

// NextPlugins are packages for configurations of next that write nothing but what next puts into its output.
const NextPlugins = `next next/ @next/ @sentry/nextjs next-intl/plugin next-transpile-modules @svgr/webpack @mdx-js/loader`
