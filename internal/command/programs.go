package command

import (
	"slices"
	"strings"
	"sync"
)

// Trait is something that is known of a program, whatever its words are.
type Trait uint16

// The traits of programs.
const (
	// Helper prepares something or waits for it, in a script that starts a container, and runs no code of the project.
	Helper Trait = 1 << iota
	// Quiet makes no files that a later step may need.
	Quiet
	// NoModules neither makes nor moves modules of a project.
	NoModules
	// Mover puts files elsewhere: it matters only for what is there.
	Mover
	// Namer has operands that are names, and no files that it makes or changes.
	Namer
	// Looker only looks at its operands, removes them, or sets their modes.
	Looker
	// Builder runs a project's own build, which may make any script or program.
	Builder
	// Installer installs distributions that it is given the names of.
	Installer
	// Editor changes the files that it names.
	Editor
	// ProjectRunner runs a command in the environment of the project around it, with the subcommand run.
	ProjectRunner
	// Taker takes away what it names, or puts it elsewhere.
	Taker
	// Interpreter runs the script that is its first operand.
	Interpreter
	// Account makes or changes users and groups.
	Account
)

// programs are the names that traits hold for. A name may stand in several rows.
var programs = []struct {
	is    Trait
	names string
}{
	{Helper, `awk base64 basename cat chgrp chmod chown clear cp curl cut date df dirname du envsubst expr file find
		flock getent git grep egrep gunzip gzip head hostname id install jq kill killall less ln locale logger ls md5sum mkdir mkfifo mktemp
		mount mv nc ncat netcat nproc openssl pg_isready pg_dump psql mysql mysqladmin redis-cli mongosh ping pip pip3 pidof pgrep pkill printenv ps
		pwd readlink realpath rm rmdir rsync sed seq sha256sum sleep sort ssh-keygen stat stty su sync sysctl tail tar tee touch tput tr
		tty umount uname uniq unzip usermod useradd groupadd groupmod addgroup adduser update-ca-certificates uuidgen wc wget which whoami xz yes
		apt-get apk apt dpkg ldconfig aws gcloud gsutil az kubectl vault chsh passwd pybabel`},
	{Quiet, `docker docker-compose podman podman-compose buildah git cosign df ls cat tr cut date jq sleep uname which env sudo sed grep awk head tail pwd basename dirname
		trivy kubectl helm aws gcloud az skopeo crane free nproc id whoami lscpu systemctl timeout`},
	{NoModules, `apt-get apt apk yum dnf microdnf pip pip3 uv poetry pdm pipenv pipx npm npx yarn pnpm useradd adduser
		groupadd addgroup usermod groupmod passwd chown chmod chgrp mkdir rm rmdir touch sed cat tee grep
		find which id whoami locale-gen localedef update-ca-certificates dpkg-reconfigure dpkg gpg
		ldconfig fc-cache setcap sleep uname getent ls sha256sum rustup corepack xargs
		env head tail awk cut tr sort date apt-mark update-alternatives debconf-set-selections curl wget
		pybabel msgfmt compilemessages chsh install_packages manage.py django-admin flask alembic pytest ruff mypy black pre-commit playwright
		fc-list mkfifo sysctl`},
	{Mover, `cp mv ln rsync install`},
	{Namer, `mkdir useradd adduser groupadd addgroup usermod apt-get apt apk yum dnf microdnf pip pip3 rm chown chmod`},
	{Editor, `sed perl awk ed ex tee`},
	{ProjectRunner, `poetry uv pdm hatch pipenv rye`},
	{Taker, `rm mv find rmdir unlink`},
	{Looker, `rm mkdir chmod chown chgrp ls cat stat test [`},
	{Builder, `make gmake cmake ninja npm npx yarn pnpm bun deno go cargo mvn mvnw gradle gradlew dotnet bundle rake rails mix
		sbt bazel meson tsc webpack vite gcc g++ cc c++ clang swift stack cabal composer configure just task`},
	{Installer, `pip python uv pipx poetry pdm pipenv conda mamba micromamba`},
	{Account, `useradd adduser usermod groupadd addgroup groupmod passwd chpasswd chsh`},
	{Interpreter, `python sh bash dash ash node ruby perl php deno bun . source`},
}

// versioned are programs that come with a version in their name.
var versioned = []string{"python", "pypy", "pip"}

// Unversioned gives the name of a program without the version that is part of it: python of python3.13t, pip of pip3.
func Unversioned(base string) string {
	const number = "0123456789."
	stem := base
	if cut, threads := strings.CutSuffix(base, "t"); threads && strings.TrimRight(cut, number) != cut {
		stem = cut
	}
	if stem = strings.TrimRight(stem, number); slices.Contains(versioned, stem) {
		return stem
	}
	return base
}

// IsPython reports whether a program is an interpreter of Python.
func IsPython(base string) bool {
	return slices.Contains([]string{"python", "pypy"}, Unversioned(base))
}

var traits = sync.OnceValue(func() map[string]Trait {
	out := map[string]Trait{}
	for _, row := range programs {
		for name := range strings.FieldsSeq(row.names) {
			out[name] |= row.is
		}
	}
	return out
})

// Is reports whether a trait is known of a program, by the last element of its name.
func Is(base string, t Trait) bool { return (traits()[base]|traits()[Unversioned(base)])&t != 0 }
