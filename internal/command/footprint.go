package command

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// where are the places in which programs put files, whatever their words are.
type where uint8

const (
	here     where = 1 << iota // the directory in which it works, and all below
	named                      // what its words name
	temp                       // directories for temporary files
	home                       // the user's home
	system                     // directories of programs, libraries and settings
	nothing  where = 0
	anything       = here | named | temp | home | system // what is not known may have written so far
	packages       = temp | home | system                // what package managers fill
)

// temporary are the names, as patterns, that programs which are known give to what they leave among temporary files: nothing that somebody
// else would call by its name.
const temporary = "*[-_]* .* *[0-9]* [A-Z]* tmp* pear"

// systemDirs are the directories of the file system's standard into which packages put files, as patterns: without those that are there for
// a site's own data, and those below them in which people have their projects, as /usr/src/app, /usr/app, /var/www and /var/task; of
// /opt, those in which vendors have theirs.
var systemDirs = strings.Fields(`/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /opt/amazon* /opt/aws* /opt/az* /opt/conda* /opt/google* /opt/intel* /opt/java* /opt/jdk* /opt/microsoft* /opt/mssql* /opt/n[ov]* /opt/r[ho]* /proc /run /sbin /sys
	/usr/bin /usr/games /usr/[ehikmX]* /usr/lib* /usr/local/[^a]* /usr/local/a[^p]* /usr/local/ap[^p]* /usr/local/app?* /usr/s[bh]* /usr/src/linux* /usr/src/kernels /usr/src/php* /var/[bcdelmors]* /var/adm /var/www/html/index* /var/www/localhost`)

// footprint is what a program may make or change files in.
type footprint struct {
	names string // of the program, between blanks
	subs  string // its subcommands; "" for any, and for none
	where where
	// below are names below the directory in which it works; `**/NAME` is NAME at any depth, and names may be patterns.
	below string
	// dir are options that name the directory in which it works, out those that name what it writes, valued others with a value.
	dir, out, valued string
	// variables hold what it writes, too; NAME/DIR is a directory below what NAME holds.
	variables string
	more      func(p *print, o Options)
	// global are options with which it leaves the directory alone in which it works.
	global string
}

// footprints are asked in this order: the first row of which the name and the subcommand fit counts. A program that has none may write
// to [anything].
var footprints []footprint

func init() { // a literal would refer to itself: find and python start others
	footprints = []footprint{
		{names: `[ : apt-cache apt-mark arch awk base32 base64 basename cat chgrp chmod chown chpasswd cksum clear cmp comm cut date df diff dirname dmesg
		du echo egrep env expr factor false fgrep fold free gawk getcap getconf getent grep groups head hexdump hostname id install_name_tool ip
		jq kill killall ldd less locale logger ls lsb_release lscpu md5sum mount nc ncat netcat nl nproc nslookup od pg_isready pgrep pidof
		ping pkill printenv printf ps pwd readelf readlink realpath rm rmdir seq setcap sha1sum sha224sum sha256sum sha384sum sha512sum shred sleep
		stat strings strip stty sum sync sysctl tac tail test time tr true tty umount uname uniq unlink uptime users wait wc whereis which who whoami
		xxd yes yq rimraf del-cli`, where: nothing},
		{names: "cp mv", where: nothing, more: (*print).copies},
		{names: "touch mkdir tee ln install rsync mkfifo mknod truncate patch ed ex split csplit dd copyfiles cpx cpx2 cpy cpr ncp mkdirp make-dir-cli", where: named},
		{names: "find", where: nothing, more: (*print).find},
		{names: "sed perl", where: nothing, more: func(p *print, o Options) {
			inPlace := slices.ContainsFunc(p.call.Args, func(w shell.Word) bool {
				return strings.HasPrefix(w.Text, "-i") || strings.HasPrefix(w.Text, "--in-place") || strings.HasPrefix(w.Text, "-pi") || strings.HasPrefix(w.Text, "-ni")
			})
			switch {
			case inPlace:
				p.add(named, o)
			case p.call.Base == "perl":
				p.add(anything, o)
			}
		}},
		{names: "sort", out: "-o --output", where: nothing},
		{names: "useradd adduser usermod groupadd addgroup groupmod deluser userdel delgroup chsh passwd newusers", where: system | home, out: "-d --home-dir --home -h"},
		{names: `apt-get apt apk yum dnf microdnf tdnf zypper pacman rpm dpkg dpkg-reconfigure debconf-set-selections add-apt-repository apt-key ldconfig
		update-ca-certificates update-ca-trust locale-gen localedef update-alternatives fc-cache a2enmod a2dismod a2ensite a2dissite docker-php-ext-install
		docker-php-ext-enable docker-php-ext-configure pecl pear phpenmod install_packages setup-apkcache gpgconf gem luarocks rustup corepack nvm n
		unattended-upgrade tlmgr texhash mktexlsr ssh-keyscan systemctl service rc-update crontab`, where: packages},
		{names: "gpg gpg2", where: packages | named | here},
		{names: "pip pipx", subs: "download", where: temp | home | here, out: "-d --dest", valued: pipValued},
		{names: "pip pipx", subs: "wheel", where: packages, below: "*.whl", out: "-w --wheel-dir", valued: pipValued, more: (*print).builds},
		{names: "pip pipx", where: packages, out: "-t --target --prefix --root --src --report", valued: pipValued, variables: "VIRTUAL_ENV", more: (*print).builds},
		{names: "virtualenv", where: named | home | temp},
		{names: "uv", subs: "sync", where: packages, below: ".venv uv.lock *.egg-info **/*.egg-info", dir: "--directory --project", valued: uvValued, variables: uvVariables, more: (*print).builds},
		{names: "uv", subs: "lock export tree", where: temp | home, below: "uv.lock", dir: "--directory --project", out: "-o --output-file", valued: uvValued},
		{names: "uv", subs: "venv", where: named | home | temp, below: ".venv", dir: "--directory --project", valued: uvValued, variables: uvVariables},
		{names: "uv", subs: "pip tool python cache self", where: packages, out: "-t --target --prefix -i --install-dir -o --output-file", valued: uvValued, variables: uvVariables, more: (*print).builds},
		{names: "uv", subs: "build", where: temp | home, below: "dist build *.egg-info", dir: "--directory --project", out: "-o --out-dir", valued: uvValued, more: (*print).builds},
		{names: "poetry pdm pipenv hatch flit rye", subs: "install sync add update lock export config self env cache requirements", where: packages,
			below: ".venv *.lock Pipfile.lock *.egg-info **/*.egg-info requirements.txt .pdm-python pdm.toml poetry.toml", dir: "-C --directory -P --project -p", out: "-o --output", variables: "VIRTUAL_ENV", more: (*print).builds},
		{names: "conda mamba micromamba", where: packages, out: "-p --prefix", variables: "CONDA_PREFIX MAMBA_ROOT_PREFIX"},
		{names: "npm", subs: "ci install i add update rebuild prune dedupe link uninstall clean-install", where: packages, below: nodeBelow, dir: "--prefix -C", valued: "--registry --cache --omit --include -w --workspace --loglevel --userconfig", more: (*print).lifecycle, global: "-g --global --location=global"},
		{names: "npm", subs: "config cache login set version view whoami ping", where: temp | home, below: ".npmrc", dir: "--prefix"},
		{names: "yarn", subs: "global", where: packages},
		{names: "yarn", subs: "install add remove set config cache workspaces plugin import dedupe", where: packages, below: nodeBelow, dir: "--cwd --modules-folder", valued: "--registry --cache-folder --network-timeout --mutex", more: (*print).lifecycle},
		{names: "pnpm", subs: "install i ci add fetch update rebuild prune dedupe store config link", where: packages, below: nodeBelow, dir: "-C --dir", valued: "--filter -F --store-dir --registry", more: (*print).lifecycle, global: "-g --global --location=global"},
		{names: "bun", subs: "install i ci add update", where: packages, below: nodeBelow, dir: "--cwd", more: (*print).lifecycle, global: "-g --global --location=global"},
		{names: "tsc vue-tsc", where: nothing, out: "--outDir --outFile --declarationDir --tsBuildInfoFile", valued: "-p --project --target -t --module -m --lib --rootDir --jsx", more: (*print).tsc},
		{names: "nest", subs: "build", where: nothing, more: (*print).nest},
		{names: "vite", subs: "build", where: temp | home, below: "dist node_modules/.vite* node_modules/.cache *.timestamp-* *.tsbuildinfo", out: "--outDir", valued: "-c --config --base --mode -m", more: (*print).vite},
		{names: "next", subs: "build", where: temp | home, below: "out next-env.d.ts tsconfig.json *.tsbuildinfo node_modules/.cache", more: (*print).next},
		{names: "patch-package", where: temp, below: "**/node_modules"},
		{names: "is-ci only-allow", where: nothing},
		{names: "lefthook simple-git-hooks", where: temp, below: ".git .husky"},
		{names: "husky", where: nothing, below: ".husky .git"},
		{names: "ncc", subs: "build", where: temp, below: "dist", out: "-o --out"},
		{names: "ng", subs: "build b", where: temp | home, below: "dist .angular node_modules/.cache", out: "--output-path", valued: "-c --configuration --base-href --deploy-url --project", more: (*print).angular},
		{names: "prisma", subs: "generate", where: temp | home, below: "**/node_modules", valued: "--schema --config --generator", more: (*print).prisma},
		{names: "react-scripts", subs: "build", where: temp | home, below: "build node_modules/.cache", variables: "BUILD_PATH"},
		{names: "vue-cli-service", subs: "build", where: temp | home, below: "dist node_modules/.cache", out: "--dest", valued: "--target --name --mode"},
		{names: "esbuild", where: temp, out: "--outfile --outdir --metafile"},
		{names: "babel swc", where: nothing, out: "-o --out-file -d --out-dir", valued: "--config-file --extensions --ignore --presets --plugins"},
		{names: "eslint prettier jest vitest stylelint", where: temp | home, below: "node_modules/.cache coverage .eslintcache", more: func(p *print, o Options) {
			if o.Has("--fix", "--write", "-w", "-u", "--update", "-o", "--output-file") {
				p.add(here, o)
			}
		}},
		{names: "go", subs: "mod", where: temp | home, dir: "-C", variables: goVariables, more: func(p *print, o Options) {
			for _, name := range []string{"go.sum", "go.mod", "vendor"} { // download, verify and graph leave go.mod as it is
				sub := ""
				if len(o.Operands) > 1 {
					sub = o.Operands[1].Text
				}
				if name == "go.sum" || slices.Contains([]string{"init", "edit", "vendor"}, sub) || sub == "tidy" && name == "go.mod" {
					p.below(name)
				}
			}
		}},
		{names: "go", subs: "get work", where: temp | home, below: "go.mod go.sum go.work go.work.sum", dir: "-C", variables: goVariables + " GOPATH"},
		{names: "go", subs: "install env version clean telemetry", where: temp | home, dir: "-C", variables: goVariables},
		{names: "go", subs: "build", where: temp | home, dir: "-C", valued: goValued + " -o", variables: goVariables, more: (*print).goBuild},
		{names: "go", subs: "test vet list tool", where: temp | home, dir: "-C", out: "-o -coverprofile", valued: goValued, variables: goVariables},
		{names: "cargo", subs: "chef", where: temp | home, below: chefBelow, variables: "CARGO_HOME CARGO_TARGET_DIR RUSTUP_HOME"},
		{names: "cargo", subs: "build fetch check test update generate-lockfile install clippy run vendor", where: temp | home, below: "target Cargo.lock recipe.json vendor", more: (*print).cargo,
			dir: "-C", out: "--target-dir --root --recipe-path", valued: "--manifest-path -p --package --bin --features -F --target --profile -j --jobs -Z --color --config", variables: "CARGO_HOME CARGO_TARGET_DIR RUSTUP_HOME"},
		{names: "mvn mvnw", where: temp | home, below: "**/target **/dependency-reduced-pom.xml .mvn", dir: "-f --file"},
		{names: "gradle gradlew", where: temp | home, below: "**/build **/.gradle .gradle", dir: "-p --project-dir", out: "-g --gradle-user-home", variables: "GRADLE_USER_HOME"},
		{names: "dotnet", subs: "restore build publish pack test clean", where: temp | home, below: "**/bin **/obj **/packages.lock.json", out: "-o --output --packages --artifacts-path --results-directory",
			valued: "-c --configuration -r --runtime -f --framework -v --verbosity -s --source --configfile -a --arch --os --version-suffix --logger -l --collect --settings", variables: "NUGET_PACKAGES DOTNET_CLI_HOME", more: (*print).dotnetProjects},
		{names: "dotnet", subs: "tool nuget new", where: temp | home | named, below: "**/bin **/obj", out: "-o --output --packages --tool-path", variables: "NUGET_PACKAGES DOTNET_CLI_HOME"},
		{names: "bundle bundler", subs: "config check", where: home, below: ".bundle", variables: "BUNDLE_APP_CONFIG"},
		{names: "bundle bundler", subs: "install", where: packages, below: "vendor/bundle vendor/cache vendor/ruby .bundle Gemfile.lock", out: "--path --binstubs", variables: "BUNDLE_PATH GEM_HOME BUNDLE_APP_CONFIG"},
		{names: "composer", subs: "install update require dump-autoload global config", where: temp | home, below: "vendor composer.lock", dir: "-d --working-dir", variables: "COMPOSER_HOME", more: func(p *print, o Options) {
			if !o.Has("--no-scripts") {
				p.scripts("composer.json")
			}
		}},
		{names: "git", subs: "config", where: home, below: ".git", dir: "-C"},
		{names: "git", subs: "log status rev-parse describe ls-remote ls-files diff show tag branch --version version remote rev-list", where: nothing, dir: "-C"},
		{names: "git", subs: "clone", where: home, valued: "-b --branch --depth -c --config -o --origin -j --jobs --filter --reference --template", more: (*print).clone},
		{names: "curl", where: nothing, out: "-o --output --output-dir -D --dump-header -c --cookie-jar", valued: curlValued, more: (*print).curl},
		{names: "wget", where: nothing, out: "-O --output-document -P --directory-prefix -o --output-file", valued: wgetValued, more: (*print).wget},
		{names: "tar bsdtar", where: nothing, more: (*print).untar},
		{names: "unzip", where: nothing, out: "-d", more: func(p *print, o Options) {
			if !o.Has("-d", "-l", "-t", "-p") {
				p.add(here, o)
			}
		}},
		{names: "gunzip gzip xz unxz bzip2 bunzip2 zstd unzstd lzma", where: named},
		{names: "zip", where: named},
		{names: "openssl", where: nothing, out: "-out -keyout -CAserial -writerand", valued: "-in -key -days -subj -newkey -passin -passout -config -addext"},
		{names: "ssh-keygen", where: home, out: "-f", valued: "-t -b -N -C -q"},
		{names: "sh bash dash ash ksh zsh", where: packages | named, below: "bin", more: func(p *print, o Options) {
			p.home(true) // it is a script that somebody hands on, to install a program
			p.Add("/opt")
			p.Unknown = true
		}},
		{names: "xx-apk xx-apt xx-apt-get xx-cc xx-clang xx-clang++ xx-c++ xx-go xx-cargo xx-info xx-verify xx-ld-shas", where: packages},
		{names: "playwright", subs: "install install-deps", where: packages, variables: "PLAYWRIGHT_BROWSERS_PATH"},
		{names: "python", where: nothing, more: (*print).python},
	}
}

const (
	nodeBelow = "**/node_modules package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb .yarn .pnp.cjs .pnp.loader.mjs .pnpm-store .yarnrc.yml .npmrc"
	// chefBelow is the skeleton of a workspace: manifests, and sources that do nothing in the usual places.
	chefBelow   = "**/Cargo.toml Cargo.lock recipe.json target .cargo rust-toolchain* **/lib.rs **/main.rs **/build.rs **/src/bin **/benches **/tests **/examples"
	goVariables = "GOPATH/pkg GOPATH/bin GOMODCACHE GOCACHE GOBIN GOTMPDIR"
	uvVariables = "UV_PROJECT_ENVIRONMENT VIRTUAL_ENV UV_PYTHON_INSTALL_DIR UV_PYTHON_BIN_DIR UV_TOOL_DIR UV_TOOL_BIN_DIR UV_CACHE_DIR"
	goValued    = "-ldflags -tags -gcflags -asmflags -mod -p -buildmode -modfile -run -timeout -count"
	pipValued   = "-r --requirement -c --constraint -i --index-url --extra-index-url --trusted-host -f --find-links --python --platform --abi --cache-dir --no-binary --only-binary --timeout --retries -e --editable"
	curlValued  = "-H --header -d --data -u --user -A --user-agent -e --referer -x --proxy -X --request -m --max-time --retry --retry-delay --connect-timeout --cacert -E --cert -w --write-out -F --form -b --cookie"
	wgetValued  = "-t --tries -T --timeout -U --user-agent --header -e --execute -i --input-file --post-data --ca-certificate"
)

// Footprint is where a program may have made or changed files when it is done.
type Footprint struct {
	// Paths are absolute; all below them counts. Names may be patterns, and `**` stands for any directories that are there.
	Paths []string
	// Unknown tells that nothing is known of the program: it is not likely that it wrote elsewhere, and may be.
	Unknown bool
}

// Add adds a path.
func (f *Footprint) Add(p string) {
	if !slices.Contains(f.Paths, p) {
		f.Paths = append(f.Paths, p)
	}
}

// Join adds another footprint.
func (f *Footprint) Join(o Footprint) {
	for _, p := range o.Paths {
		f.Add(p)
	}
	f.Unknown = f.Unknown || o.Unknown
}

// Footprint gives where the program may have made or changed files. It may be that there is nothing.
func (c *Call) Footprint() Footprint {
	p := &print{call: c, dir: c.S.Dir}
	if program := OfPackage(c); program != nil && !c.Builtin {
		if p.program(program); !p.Unknown {
			p.add(temp|home, Options{})
		}
	} else if !c.Builtin {
		p.program(c)
	}
	return p.Footprint
}

// OwnFiles gives where a program writes that does nothing but start others: logs and caches.
func (c *Call) OwnFiles() Footprint {
	p := &print{call: c, dir: c.S.Dir}
	p.add(temp|home, Options{})
	return p.Footprint
}

// Unknown is the footprint of a program of which nothing is known, if it is started in a directory with an environment.
func Unknown(dir string, env []string) Footprint {
	p := &print{call: &Call{S: shell.NewState(dir, env)}, dir: dir}
	p.add(anything, Options{})
	return p.Footprint
}

// print collects a footprint.
type print struct {
	Footprint
	call *Call
	dir  string // in which the program works; "" if it is not known
}

// program adds where a program writes.
func (p *print) program(c *Call) {
	p.call = c
	f, found := footprintOf(c)
	if !found {
		p.add(anything, Parse(c.Args, ""))
		return
	}
	o := Parse(c.Args, strings.Join([]string{f.dir, f.out, f.valued}, " "))
	if given := o.All(strings.Fields(f.dir)...); len(given) > 0 {
		p.dir = c.S.Abs(given[len(given)-1].Text)
	}
	p.add(f.where, o)
	if o.Has(strings.Fields(f.global)...) {
		return
	}
	if f.more != nil {
		f.more(p, o)
	}
	for name := range strings.FieldsSeq(f.below) {
		p.below(name)
	}
	for _, word := range o.All(strings.Fields(f.out)...) {
		p.word(word)
	}
	for variable := range strings.FieldsSeq(f.variables) {
		name, in, _ := strings.Cut(variable, "/")
		if value, _ := c.S.Value(name); value != "" {
			for dir := range strings.SplitSeq(value, ":") {
				p.word(shell.Word{Text: path.Join(dir, in)})
			}
		}
	}
}

// footprintOf gives what is known of where a program writes.
func footprintOf(c *Call) (footprint, bool) {
	base := Unversioned(strings.TrimSuffix(c.Base, ".sh"))
	sub := ""
	for _, w := range c.Args {
		if !strings.HasPrefix(w.Text, "-") && !strings.HasPrefix(w.Text, "+") && strings.Trim(w.Text, "0123456789") != "" {
			sub = w.Text
			break
		}
	}
	i := slices.IndexFunc(footprints, func(f footprint) bool {
		return slices.Contains(strings.Fields(f.names), base) && (f.subs == "" || slices.Contains(strings.Fields(f.subs), sub))
	})
	if i < 0 {
		return footprint{}, false
	}
	return footprints[i], true
}

// path adds a path without patterns: where a name has their characters, all of the directory counts that it lies in.
func (p *print) path(at string) {
	if i := strings.IndexAny(at, `*?[\`); i >= 0 {
		at = path.Clean("/" + at[:strings.LastIndexByte(at[:i], '/')+1])
	}
	p.Add(at)
}

// below adds a name below the directory in which the program works.
func (p *print) below(name string) {
	if p.dir == "" {
		p.Add("/")
		return
	}
	if strings.ContainsAny(p.dir, `*?[\`) {
		p.path(p.dir)
		return
	}
	p.Add(path.Join(p.dir, name))
}

// word adds what a word names: all of it or, where its end is not known, the directory that it lies in.
func (p *print) word(w shell.Word) {
	text, _, hole := strings.Cut(w.Text, shell.Hole)
	if hole {
		text = text[:strings.LastIndexByte(text, '/')+1]
	}
	switch {
	case text == "" && !hole:
	case path.IsAbs(text):
		p.path(path.Clean(text))
	case p.dir == "" || hole && text == "":
		p.Add("/")
	default:
		p.path(path.Join(p.dir, text))
	}
}

func (p *print) add(w where, o Options) {
	p.Unknown = p.Unknown || w == anything
	switch {
	case w&here == 0:
	case p.dir == "":
		p.Add("/")
	case w == anything:
		p.path(project(p.dir))
		for _, word := range p.call.Args { // --python_out=/out
			if _, value, ok := strings.Cut(word.Text, "="); ok && strings.Contains(value, "/") && !strings.Contains(value, "://") {
				p.word(shell.Word{Text: value})
			}
		}
	default:
		p.path(p.dir)
	}
	if w&named != 0 {
		for _, word := range o.Operands {
			if word.Text != "" && !strings.Contains(word.Text, "://") {
				p.word(word)
			}
		}
		for _, word := range o.All("-t", "--target-directory", "-o", "--output", "-d", "--out-dir", "--outdir", "--prefix") {
			p.word(word)
		}
	}
	if w&temp != 0 {
		for _, dir := range []string{"/tmp", "/var/tmp"} {
			if w == anything {
				p.path(dir)
				continue
			}
			for name := range strings.FieldsSeq(temporary) {
				p.Add(path.Join(dir, name))
			}
		}
	}
	if w&home != 0 {
		p.home(w == anything)
	}
	if w&system != 0 {
		for _, dir := range systemDirs {
			p.Add(dir)
		}
		if w == anything {
			p.Add("/opt")
		}
	}
}

// home adds what programs keep in the user's home, which is any of them if it is not known: settings and caches, whose names begin with a
// dot, and what Go and NLTK keep there. all tells that it may be anything.
func (p *print) home(all bool) {
	dir, _ := p.call.S.Value("HOME")
	dirs := []string{path.Clean(dir)}
	if dir == "" || strings.Contains(dir, shell.Hole) || strings.ContainsAny(dir, `*?[\`) {
		dirs = []string{"/home/*", "/root"}
	}
	for _, dir := range dirs {
		switch {
		case all:
			p.Add(strings.TrimSuffix(dir, "/*"))
		default:
			for _, name := range []string{".*", "go", "nltk_data"} {
				p.Add(path.Join(dir, name))
			}
		}
	}
}

// project gives the directory that a project most likely lies in of which a directory is part: builds write beside it, too.
func project(dir string) string {
	names := strings.Split(strings.Trim(dir, "/"), "/")
	keep := 1
	switch names[0] {
	case "usr", "var", "go", "home":
		keep = 3
	case "opt", "srv", "mnt", "root", "tmp":
		keep = 2
	}
	return "/" + strings.Join(names[:min(keep, len(names))], "/")
}
