package tools

import (
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/command"
)

// tool is a row: what is known of what a program reads.
type tool struct {
	// names are those of the program, between blanks.
	names string
	// valued are its options with a value of their own, dir those that name the directory in which it works.
	valued, dir string
	// free are those of them of whose values what it reads does not depend; NAME* stands for all that begin so.
	free string
	// anywhere tells that it is asked also where nobody knows in which directory it is started.
	anywhere bool
	read     func(r *reader)
}

// table is asked by the name of the program.
var table []tool

func init() { // a literal would refer to itself: a script starts others
	table = []tool{
		{names: "go", dir: "-C", valued: goValued, free: "-ldflags --ldflags -gcflags -asmflags -o -p -timeout -count -coverprofile -buildvcs*", read: (*reader).goTool},
		{names: "cargo", valued: cargoValued, free: "--target --profile -j -j* --jobs --target-dir --root --color --message-format", read: (*reader).cargo},
		{names: "npm", dir: "--prefix -C", valued: npmValued, read: (*reader).npm},
		{names: "pnpm", dir: "-C --dir", valued: pnpmValued, read: (*reader).pnpm},
		{names: "yarn yarnpkg", dir: "--cwd", valued: yarnValued, read: (*reader).yarn},
		{names: "bun", dir: "--cwd", valued: bunValued, read: (*reader).bun},
		{names: "cp mv cat chmod chown head tail unzip install grep egrep awk sort cut wc jq xz crontab javac dpkg", read: (*reader).named},
		{names: "gcc g++ cc c++ clang clang++", read: (*reader).compiler},
		{names: "patch", read: (*reader).patch},
		{names: "apt-get apt apk yum dnf microdnf", valued: "-t --repository -X --enablerepo", read: (*reader).packageFiles},
		{names: "xargs", read: (*reader).xargs},
		{names: "sed", read: (*reader).sed},
		{names: "tar bsdtar", read: (*reader).tar},
		{names: "python pypy ruby perl php tsx ts-node", read: (*reader).interpreted},
		{names: "node nodejs", valued: nodeValued, read: (*reader).node},
		{names: "tsc vue-tsc", valued: tscValued, read: (*reader).tsc},
		{names: "vite", valued: viteValued, read: (*reader).vite},
		{names: "webpack webpack-cli", valued: "-c --config --mode --env -o --output-path -d --devtool --config-name", read: (*reader).webpack},
		{names: "rollup", valued: "-c --config -i --input -o --file -d --dir -f --format -n --name -p --plugin --environment", read: (*reader).rollup},
		{names: "esbuild", free: "--external* --loader* --define* --outfile* --outdir* --banner* --footer*", read: (*reader).esbuild},
		{names: "tsup", valued: "--config --format -d --out-dir --target --env --dts --external --onSuccess --loader --global-name --platform", read: (*reader).tsup},
		{names: "react-scripts", read: (*reader).reactScripts},
		{names: "ng", valued: "-c --configuration --output-path --base-href --deploy-url --project", read: (*reader).angular},
		{names: "next", valued: "--experimental-build-mode --experimental-app-only", read: (*reader).next},
		{names: "turbo", dir: "--cwd", valued: "--filter -F --scope --out-dir --concurrency --cache-dir", read: (*reader).turbo},
		{names: "nest", valued: "-c --config -p --path -b --builder", read: (*reader).nest},
		{names: "nx", valued: "--configuration -c --parallel --skip-nx-cache", read: (*reader).nx},
		{names: "run-s run-p run-s2 run-p2 npm-run-all npm-run-all2", valued: "--max-parallel --npm-path", read: (*reader).runScripts},
		{names: "concurrently conc", valued: "-n --names -c --prefix-colors -p --prefix -m --max-processes -l --prefix-length -t --timestamp-format --restart-tries --restart-after", read: (*reader).concurrently},
		{names: "lerna", read: (*reader).lerna},
		{names: "patch-package", valued: "--patch-dir --exclude --include", read: (*reader).patchPackage},
		{names: "prisma", valued: prismaValued, read: (*reader).prisma},
		{names: "make gmake", dir: "-C --directory", valued: makeValued, free: "-j -j* --jobs -l -l* -O*", read: (*reader).makes},
		{names: "composer composer.phar", dir: "-d --working-dir", valued: composerValued, read: (*reader).composer},
		{names: "bundle bundler", valued: bundleValued, free: "-j -j* --jobs --retry --path --without --with", read: (*reader).bundle},
		{names: "rake", dir: "-C --directory", valued: rakeValued, read: (*reader).rake},
		{names: "rails", valued: "-e --environment", read: (*reader).rails},
		{names: "dotnet", valued: dotnetValued, free: "-c --configuration -o --output -r --runtime -a --arch --os -v --verbosity --version-suffix --logger --results-directory /p:* -p:* --property:* /property:*", read: (*reader).dotnet},
		{names: "gradle", dir: "-p --project-dir", valued: gradleValued, free: "-P* -D* --max-workers --console", read: (*reader).gradle},
		{names: "gradlew", dir: "-p --project-dir", valued: gradleValued, free: "-P* -D* --max-workers --console", read: (*reader).gradleWrapper},
		{names: "cmake", valued: cmakeValued, free: "-D* -j -j* -G --parallel", read: (*reader).cmake},
		{names: "protoc", valued: protocValued, read: (*reader).protoc},
		{names: "buf", valued: "--template -o --output --path --config", read: (*reader).buf},
		{names: "alembic", valued: "-c --config -n --name -x", read: (*reader).alembic},
		{names: "pytest py.test", valued: pytestValued, read: (*reader).pytest},
		{names: "flask", valued: flaskValued, read: (*reader).flask},
		{names: "celery", dir: "--workdir", valued: celeryValued, read: (*reader).celery},
		{names: "sphinx-build sphinx", valued: sphinxValued, read: (*reader).sphinx},
		{names: "mkdocs", valued: mkdocsValued, read: (*reader).mkdocs},
		{names: "pyinstaller", valued: pyinstallerValued, read: (*reader).pyinstaller},
		{names: "mvn", valued: mavenValued, free: "-D* -T -T* --threads", read: (*reader).maven},
		{names: "mvnw", valued: mavenValued, free: "-D* -T -T* --threads", read: (*reader).mavenWrapper},
		{names: "pip", valued: pipValued, read: (*reader).pip},
		{names: "uv", dir: "--directory", valued: uvValued, read: (*reader).uv},
		{names: "poetry", dir: "-C --directory -P --project", valued: poetryValued, read: (*reader).poetry},
		{names: "pdm", dir: "-p --project", valued: pdmValued, read: (*reader).pdm},
		{names: "hatch", valued: "-e --env -p --project -t --target", read: (*reader).hatch},
		{names: "flit", valued: "-f --ini-file --deps --extras --python --format", read: (*reader).flit},
		{names: "pyproject-build", valued: buildValued, read: (*reader).buildModule},
		{names: "pipenv", valued: pipenvValued, read: (*reader).pipenv},
		{names: "pip-sync pip-compile", valued: pipToolsValued, read: (*reader).pipTools},
	}
}

// find gives the row of a program.
func find(c *command.Call) (tool, bool) {
	if c.Builtin {
		return tool{}, false
	}
	base := command.Unversioned(c.Base)
	i := slices.IndexFunc(table, func(t tool) bool { return contains(t.names, base) })
	if i < 0 {
		return tool{}, false
	}
	return table[i], true
}
