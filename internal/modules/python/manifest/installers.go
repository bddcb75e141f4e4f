package manifest

import (
	"maps"
	"path"
	"strings"
)

// pipValues are pip's options that take a value, and those of uv pip and pipx.
var pipValues = wordSet(`-r --requirement -c --constraint -e --editable -t --target --prefix --root --src --platform
	--python-version --implementation --abi --upgrade-strategy -C --config-settings --config-setting --global-option
	--install-option --no-binary --only-binary --progress-bar --root-user-action --report -i --index-url --extra-index-url
	-f --find-links --cache-dir --log --proxy --retries --timeout --exists-action --trusted-host --cert --client-cert
	--use-feature --use-deprecated --python -p --keyring-provider --group --build-constraint -b --build-constraints
	--overrides --override --excludes --index --default-index --index-strategy --link-mode --extra --resolution
	--prerelease --exclude-newer --python-platform --refresh-package --reinstall-package --upgrade-package -P
	--no-build-isolation-package --no-build-package --no-binary-package --allow-insecure-host --color --directory
	--project --config-file --suffix --pip-args --preinstall --torch-backend --with --with-editable --from`)

// pipInstall reads the words behind pip.
func pipInstall(tool string, args []string, workdir string) []Install {
	withValue := pipValues
	if tool == "pip" { // where these are flags
		withValue = maps.Clone(pipValues)
		for _, flag := range []string{"-P", "-b", "-p", "--extra"} {
			delete(withValue, flag)
		}
	} else if tool != "uv-pip" { // of pipx and uv tool, -e is a flag, and -f is --force
		withValue = maps.Clone(pipValues)
		for _, flag := range []string{"-e", "--editable", "-f"} {
			delete(withValue, flag)
		}
	}
	o := parseOptions(args, withValue)
	switch {
	case o.command("install"), o.command("sync") && tool == "uv-pip":
	default:
		return nil
	}
	if o.has("--dry-run", "-h", "--help", "--download") {
		return nil
	}
	workdir = within(workdir, o.last("--directory"))
	form := Install{
		Tool:   tool,
		Target: resolve(workdir, o.last("-t", "--target")),
		Prefix: resolve(workdir, o.last("--prefix")),
		Root:   resolve(workdir, o.last("--root")),
		User:   o.has("--user"),
	}
	var found []Install
	add := func(text string, editable bool) {
		if dir := installedDir(text, workdir, editable); dir != "" {
			in := form
			in.Dir, in.Editable = dir, editable
			found = append(found, in)
		}
	}
	requirements := o.all("-r", "--requirement")
	targets := o.rest[1:]
	if o.command("sync") {
		requirements, targets = append(requirements, targets...), nil
	}
	for _, text := range o.all("-e", "--editable", "--with-editable") {
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

// installedDir gives the directory that an argument of pip install stands for; none for a name, an archive or a URL.
func installedDir(text, workdir string, editable bool) string {
	req, ok := parseRequirement(strings.Trim(text, `"'`), editable)
	if !ok || req.path == "" || strings.ContainsAny(req.path, "*?") {
		return ""
	}
	return resolve(workdir, req.path)
}

func within(workdir, dir string) string {
	if resolved := resolve(workdir, dir); resolved != "" {
		return resolved
	}
	return path.Join("/", workdir)
}

func uvInstall(args []string, workdir string) []Install {
	withValue := wordSet(`--extra --no-extra --group --no-group --only-group --package --python -p --directory --project
		--config-file --cache-dir --index --default-index --index-url -i --extra-index-url --find-links -f --link-mode
		--no-install-package --only-install-package --prerelease --resolution --exclude-newer --keyring-provider --index-strategy
		--config-setting -C --color --python-platform --upgrade-package -P --reinstall-package --refresh-package
		--no-build-package --no-binary-package --no-build-isolation-package --allow-insecure-host --with --with-editable
		--with-requirements --env-file --script --from --no-editable-package`)
	for i, a := range args { // what stands before the word pip are uv's own options
		if a == "pip" || a == "tool" {
			global := parseOptions(args[:i], withValue)
			if len(global.rest) == 0 {
				tool := map[string]string{"pip": "uv-pip", "tool": "uv-tool"}[a]
				return pipInstall(tool, args[i+1:], within(workdir, global.last("--directory")))
			}
		}
	}
	o := parseOptions(args, withValue)
	if o.command("run") {
		o = parseOptions(runOptions(args, withValue), withValue)
		if o.has("--no-sync", "--no-project", "--isolated", "--script", "-s") {
			return nil
		}
	} else if !o.command("sync") {
		return nil
	}
	if o.has("--no-install-project", "--no-install-workspace", "--no-install-local", "--only-group", "--only-dev", "--dry-run", "--check", "--script", "--only-install-package") {
		return nil
	}
	dir := within(within(workdir, o.last("--directory")), o.last("--project"))
	in := Install{Tool: "uv", Dir: dir, Editable: !o.has("--no-editable"), Workspace: true}
	switch {
	case o.has("--all-packages"):
		in.Members = "*"
	case o.has("--package"):
		in.Members = o.last("--package")
	}
	return []Install{in}
}

// runOptions cuts the command that uv run starts.
func runOptions(args []string, withValue map[string]bool) []string {
	seen := 0
	for i := 0; i < len(args); i++ {
		switch {
		case withValue[args[i]]:
			i++
		case !strings.HasPrefix(args[i], "-"):
			if seen++; seen == 2 {
				return args[:i]
			}
		}
	}
	return args
}

func poetryInstall(args []string, workdir string) []Install {
	o := parseOptions(args, wordSet(`-C --directory -P --project -E --extras --with --without --only`))
	if !o.command("install") && !(o.command("sync")) || o.has("--no-root", "--dry-run") {
		return nil
	}
	dir := within(within(workdir, o.last("-C", "--directory")), o.last("-P", "--project"))
	return []Install{{Tool: "poetry", Dir: dir, Editable: true, Workspace: !o.has("--only-root", "--no-directory")}}
}

func pdmInstall(args []string, workdir string) []Install {
	o := parseOptions(args, wordSet(`-p --project -G --group --with --without -L --lockfile -k --skip --config-setting -c --config --venv`))
	if !o.command("install") && !o.command("sync") || o.has("--no-self", "--dry-run", "--check", "--only-keep") {
		return nil
	}
	return []Install{{Tool: "pdm", Dir: within(workdir, o.last("-p", "--project")), Editable: !o.has("--no-editable"), Workspace: true}}
}

func hatchInstall(args []string, workdir string) []Install {
	o := parseOptions(args, wordSet(`-e --env -p --project --data-dir --cache-dir --config`))
	if o.command("env", "create") || o.command("env", "run") || o.command("run") || o.command("shell") {
		return []Install{{Tool: "hatch", Dir: within(workdir, ""), Editable: true}}
	}
	return nil
}

func flitInstall(args []string, workdir string) []Install {
	o := parseOptions(args, wordSet(`-f --ini-file --deps --extras --python`))
	if !o.command("install") || o.has("--only-deps") {
		return nil
	}
	dir := within(workdir, "")
	if file := o.last("-f", "--ini-file"); file != "" {
		dir = within(workdir, path.Dir(file))
	}
	return []Install{{Tool: "flit", Dir: dir, Editable: o.has("-s", "--symlink", "--pth-file"), User: o.has("--user")}}
}

// setupInstall reads the words behind setup.py. It looks for packages in the working directory, wherever it lies itself.
func setupInstall(args []string, workdir string) []Install {
	o := parseOptions(args, wordSet(`--prefix --root --home --install-lib --install-purelib --install-dir -d --record --exec-prefix`))
	in := Install{
		Tool:   "setup.py",
		Dir:    within(workdir, ""),
		Target: resolve(workdir, o.last("--install-lib", "--install-purelib", "--install-dir", "-d")),
		Prefix: resolve(workdir, o.last("--prefix")),
		Root:   resolve(workdir, o.last("--root")),
		User:   o.has("--user"),
	}
	for _, command := range o.rest {
		switch command {
		case "develop":
			in.Editable = true
			return []Install{in}
		case "install", "easy_install", "install_lib":
			return []Install{in}
		}
	}
	return nil
}

func pipenvInstall(args []string, workdir string) []Install {
	o := parseOptions(args, wordSet(`-r --requirements -e --editable --python --pypi-mirror -i --index --categories --extra-pip-args`))
	if !o.command("install") && !o.command("sync") {
		return nil
	}
	dir := within(workdir, "")
	var found []Install
	for _, text := range o.all("-e", "--editable") {
		if at := installedDir(text, dir, true); at != "" {
			found = append(found, Install{Tool: "pipenv", Dir: at, Editable: true})
		}
	}
	for _, text := range o.rest[1:] {
		if at := installedDir(text, dir, false); at != "" {
			found = append(found, Install{Tool: "pipenv", Dir: at})
		}
	}
	file := o.last("-r", "--requirements")
	if file == "" && !o.has("--ignore-pipfile") {
		file = "Pipfile"
	} else if file == "" {
		file = "Pipfile.lock"
	}
	if at := resolve(dir, file); at != "" {
		found = append(found, Install{Tool: "pipenv", Requirements: at})
	}
	return found
}

func condaInstall(args []string, workdir string) []Install {
	o := parseOptions(args, wordSet(`-f --file -n --name -p --prefix -c --channel --solver --platform`))
	if !o.command("env", "create") && !o.command("env", "update") && !o.command("create") && !o.command("install") && !o.command("update") {
		return nil
	}
	var found []Install
	for _, file := range o.all("-f", "--file") {
		if at := resolve(workdir, file); at != "" {
			found = append(found, Install{Tool: "conda", Requirements: at})
		}
	}
	if len(found) == 0 && o.command("env") {
		found = append(found, Install{Tool: "conda", Requirements: resolve(workdir, "environment.yml")})
	}
	return found
}
