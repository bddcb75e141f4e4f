package manifest

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// pipValues are pip's options that take a value, and those of uv pip and pipx.
var pipValues = `-r --requirement -c --constraint -e --editable -t --target --prefix --root --src --platform
	--python-version --implementation --abi --upgrade-strategy -C --config-settings --config-setting --global-option
	--install-option --no-binary --only-binary --progress-bar --root-user-action --report -i --index-url --extra-index-url
	-f --find-links --cache-dir --log --proxy --retries --timeout --exists-action --trusted-host --cert --client-cert
	--use-feature --use-deprecated --python -p --keyring-provider --group --build-constraint -b --build-constraints
	--overrides --override --excludes --index --default-index --index-strategy --link-mode --extra --resolution
	--prerelease --exclude-newer --python-platform --refresh-package --reinstall-package --upgrade-package -P
	--no-build-isolation-package --no-build-package --no-binary-package --allow-insecure-host --color --directory
	--project --config-file --suffix --pip-args --preinstall --torch-backend --with --with-editable --from`

// pipValuesOf leaves out what are flags of a tool.
func pipValuesOf(tool string) string {
	flags := ""
	switch tool {
	case "pip":
		flags = "-P -b -p --extra"
	case "uv-pip":
	default: // of pipx and uv tool, -e is a flag, and -f is --force
		flags = "-e --editable -f"
	}
	without := wordSet(flags)
	return strings.Join(slices.DeleteFunc(strings.Fields(pipValues), func(name string) bool { return without[name] }), " ")
}

// pipInstall reads the words behind pip.
func pipInstall(tool string, args []shell.Word, workdir string) []Install {
	o := command.Parse(args, pipValuesOf(tool))
	switch {
	case sub(o, "install"), sub(o, "sync") && tool == "uv-pip":
	default:
		return nil
	}
	if o.Has("--dry-run", "-h", "--help", "--download") {
		return nil
	}
	workdir = within(workdir, last(o, "--directory"))
	form := Install{
		Tool:   tool,
		Target: resolve(workdir, last(o, "-t", "--target")),
		Prefix: resolve(workdir, last(o, "--prefix")),
		Root:   resolve(workdir, last(o, "--root")),
		User:   o.Has("--user"),
	}
	var found []Install
	add := func(text string, editable bool) {
		if dir, local := installedDir(text, workdir, editable); local {
			in := form
			in.Dir, in.Editable = dir, editable
			found = append(found, in)
		}
	}
	requirements := texts(o.All("-r", "--requirement"))
	targets := texts(o.Operands[1:])
	if sub(o, "sync") {
		requirements, targets = append(requirements, targets...), nil
	}
	for _, text := range texts(o.All("-e", "--editable", "--with-editable")) {
		if text == "" && len(targets) > 0 {
			text, targets = targets[0], targets[1:]
		}
		add(text, true)
	}
	for _, text := range targets {
		add(text, false)
	}
	for _, name := range requirements {
		// Of a pyproject.toml only the dependencies are installed.
		if file := resolve(workdir, name); file != "" && !strings.Contains(name, "://") && name != "-" {
			in := form
			in.Requirements = file
			found = append(found, in)
		}
	}
	return found
}

// installedDir gives the directory that an argument of pip install stands for, "" where that is not known; local is false for a
// name, an archive or a URL.
func installedDir(text, workdir string, editable bool) (dir string, local bool) {
	req, ok := parseRequirement(strings.Trim(text, `"'`), editable)
	if !ok || req.path == "" || strings.Contains(req.path, shell.Hole) {
		return "", false
	}
	return resolve(workdir, req.path), true
}

// within gives the directory that an option names, the working directory if none does; "" where that is not known.
func within(workdir, dir string) string {
	if dir == "" {
		return workdir
	}
	return resolve(workdir, dir)
}

func uvInstall(args []shell.Word, workdir string) []Install {
	withValue := `--extra --no-extra --group --no-group --only-group --package --python -p --directory --project
		--config-file --cache-dir --index --default-index --index-url -i --extra-index-url --find-links -f --link-mode
		--no-install-package --only-install-package --prerelease --resolution --exclude-newer --keyring-provider --index-strategy
		--config-setting -C --color --python-platform --upgrade-package -P --reinstall-package --refresh-package
		--no-build-package --no-binary-package --no-build-isolation-package --allow-insecure-host --with --with-editable
		--with-requirements --env-file --script --from --no-editable-package`
	for i, a := range args { // what stands before the word pip are uv's own options
		if a := a.Text; a == "pip" || a == "tool" {
			global := command.Parse(args[:i], withValue)
			if len(global.Operands) == 0 {
				tool := map[string]string{"pip": "uv-pip", "tool": "uv-tool"}[a]
				return pipInstall(tool, args[i+1:], within(workdir, last(global, "--directory")))
			}
		}
	}
	o := command.Parse(args, withValue)
	if sub(o, "run") {
		o = command.Parse(runOptions(args, withValue), withValue)
		if o.Has("--no-sync", "--no-project", "--isolated", "--script", "-s") {
			return nil
		}
	} else if !sub(o, "sync") {
		return nil
	}
	if o.Has("--no-install-project", "--no-install-workspace", "--no-install-local", "--only-group", "--only-dev", "--dry-run", "--check", "--script", "--only-install-package") {
		return nil
	}
	dir := within(within(workdir, last(o, "--directory")), last(o, "--project"))
	in := Install{Tool: "uv", Dir: dir, Editable: !o.Has("--no-editable"), Workspace: true}
	switch {
	case o.Has("--all-packages"):
		in.Members = "*"
	case o.Has("--package"):
		in.Members = last(o, "--package")
	}
	return []Install{in}
}

// runOptions cuts the command that uv run starts.
func runOptions(args []shell.Word, withValue string) []shell.Word {
	seen, takes := 0, wordSet(withValue)
	for i := 0; i < len(args); i++ {
		switch {
		case takes[args[i].Text]:
			i++
		case !strings.HasPrefix(args[i].Text, "-"):
			if seen++; seen == 2 {
				return args[:i]
			}
		}
	}
	return args
}

func poetryInstall(args []shell.Word, workdir string) []Install {
	o := command.Parse(args, `-C --directory -P --project -E --extras --with --without --only`)
	if !sub(o, "install") && !(sub(o, "sync")) || o.Has("--no-root", "--dry-run") {
		return nil
	}
	dir := within(within(workdir, last(o, "-C", "--directory")), last(o, "-P", "--project"))
	return []Install{{Tool: "poetry", Dir: dir, Editable: true, Workspace: !o.Has("--only-root", "--no-directory")}}
}

func pdmInstall(args []shell.Word, workdir string) []Install {
	o := command.Parse(args, `-p --project -G --group --with --without -L --lockfile -k --skip --config-setting -c --config --venv`)
	if !sub(o, "install") && !sub(o, "sync") || o.Has("--no-self", "--dry-run", "--check", "--only-keep") {
		return nil
	}
	return []Install{{Tool: "pdm", Dir: within(workdir, last(o, "-p", "--project")), Editable: !o.Has("--no-editable"), Workspace: true}}
}

func hatchInstall(args []shell.Word, workdir string) []Install {
	o := command.Parse(args, `-e --env -p --project --data-dir --cache-dir --config`)
	if sub(o, "env", "create") || sub(o, "env", "run") || sub(o, "run") || sub(o, "shell") {
		return []Install{{Tool: "hatch", Dir: within(workdir, ""), Editable: true}}
	}
	return nil
}

func flitInstall(args []shell.Word, workdir string) []Install {
	o := command.Parse(args, `-f --ini-file --deps --extras --python`)
	if !sub(o, "install") || o.Has("--only-deps") {
		return nil
	}
	dir := within(workdir, "")
	if file := last(o, "-f", "--ini-file"); file != "" {
		dir = within(workdir, path.Dir(file))
	}
	return []Install{{Tool: "flit", Dir: dir, Editable: o.Has("-s", "--symlink", "--pth-file"), User: o.Has("--user")}}
}

// setupInstall reads the words behind setup.py. It looks for packages in the working directory, wherever it lies itself.
func setupInstall(args []shell.Word, workdir string) []Install {
	o := command.Parse(args, `--prefix --root --home --install-lib --install-purelib --install-dir -d --record --exec-prefix`)
	in := Install{
		Tool:   "setup.py",
		Dir:    within(workdir, ""),
		Target: resolve(workdir, last(o, "--install-lib", "--install-purelib", "--install-dir", "-d")),
		Prefix: resolve(workdir, last(o, "--prefix")),
		Root:   resolve(workdir, last(o, "--root")),
		User:   o.Has("--user"),
	}
	for _, name := range texts(o.Operands) {
		switch name {
		case "develop":
			in.Editable = true
			return []Install{in}
		case "install", "easy_install", "install_lib":
			return []Install{in}
		}
	}
	return nil
}

func pipenvInstall(args []shell.Word, workdir string) []Install {
	o := command.Parse(args, `-r --requirements -e --editable --python --pypi-mirror -i --index --categories --extra-pip-args`)
	if !sub(o, "install") && !sub(o, "sync") {
		return nil
	}
	dir := within(workdir, "")
	var found []Install
	for _, text := range texts(o.All("-e", "--editable")) {
		if at, local := installedDir(text, dir, true); local {
			found = append(found, Install{Tool: "pipenv", Dir: at, Editable: true})
		}
	}
	for _, text := range texts(o.Operands[1:]) {
		if at, local := installedDir(text, dir, false); local {
			found = append(found, Install{Tool: "pipenv", Dir: at})
		}
	}
	file := last(o, "-r", "--requirements")
	if file == "" && !o.Has("--ignore-pipfile") {
		file = "Pipfile"
	} else if file == "" {
		file = "Pipfile.lock"
	}
	if at := resolve(dir, file); at != "" {
		found = append(found, Install{Tool: "pipenv", Requirements: at})
	}
	return found
}

func condaInstall(args []shell.Word, workdir string) []Install {
	o := command.Parse(args, `-f --file -n --name -p --prefix -c --channel --solver --platform`)
	if !sub(o, "env", "create") && !sub(o, "env", "update") && !sub(o, "create") && !sub(o, "install") && !sub(o, "update") {
		return nil
	}
	var found []Install
	for _, file := range texts(o.All("-f", "--file")) {
		if at := resolve(workdir, file); at != "" {
			found = append(found, Install{Tool: "conda", Requirements: at})
		}
	}
	if len(found) == 0 && sub(o, "env") {
		found = append(found, Install{Tool: "conda", Requirements: resolve(workdir, "environment.yml")})
	}
	return found
}
