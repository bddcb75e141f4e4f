package manifest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// installs lists commands that run in /app, and what they install: "tool dir" with the flags behind, "-r file", or
// nothing. Several are separated by semicolons.
const installs = `
pip install . => pip /app
pip install -e . => pip /app editable
pip install -e. => pip /app editable
pip install --editable . => pip /app editable
pip install --editable=. => pip /app editable
pip install ./lib => pip /app/lib
pip install lib/ => pip /app/lib
pip install lib =>
pip install -e lib => pip /app/lib editable
pip install .[dev] => pip /app
pip install ".[dev,test]" => pip /app
pip install -e .[dev] => pip /app editable
pip install -e ./lib[x]#egg=lib => pip /app/lib editable
pip install /src => pip /src
pip install /src[all] => pip /src
pip install ../other => pip /other
pip install file:///src/lib => pip /src/lib
pip install file:./lib => pip /app/lib
pip install lib@file:///src/lib => pip /src/lib
pip install -e file:///src/lib#egg=lib => pip /src/lib editable
pip install requests flask==2.0 =>
pip install requests . => pip /app
pip install --no-cache-dir . => pip /app
pip install --no-cache-dir --upgrade --no-deps . => pip /app
pip --no-cache-dir install . => pip /app
pip -v install . => pip /app
pip install -U pip setuptools wheel =>
pip install -i https://example.org/simple . => pip /app
pip install --index-url https://example.org/simple/ requests =>
pip install --find-links ./wheels requests =>
pip install --find-links=/wheels --no-index app =>
pip install /wheels/app-1.0-py3-none-any.whl =>
pip install ./app-1.0.tar.gz =>
pip install /wheels/* =>
pip install git+https://example.org/x.git =>
pip install -e git+https://example.org/x.git#egg=x =>
pip install https://example.org/x.zip =>
pip install -r requirements.txt => -r /app/requirements.txt
pip install -rrequirements.txt => -r /app/requirements.txt
pip install --requirement=/reqs/r.txt => -r /reqs/r.txt
pip install -r a.txt -r b/c.txt => -r /app/a.txt; -r /app/b/c.txt
pip install -r a.txt -e . => pip /app editable; -r /app/a.txt
pip install -c constraints.txt . => pip /app
pip install --target /deps . => pip /app target=/deps
pip install -t deps ./lib => pip /app/lib target=/app/deps
pip install --prefix=/install . => pip /app prefix=/install
pip install --root /img . => pip /app root=/img
pip install --user . => pip /app user
pip install --target=/deps -r requirements.txt => -r /app/requirements.txt target=/deps
pip install -e ./a -e ./b => pip /app/a editable; pip /app/b editable
pip install $LIB =>
pip install --dry-run . =>
pip download . =>
pip wheel -w /wheels . =>
pip uninstall . =>
pip3 install . => pip /app
pip3.12 install . => pip /app
/venv/bin/pip install . => pip /app
python -m pip install . => pip /app
python3 -m pip install -e . => pip /app editable
python3.11 -m pip --disable-pip-version-check install . => pip /app
/opt/venv/bin/python -m pip install . => pip /app
python -I -m pip install . => pip /app
PIP_NO_CACHE_DIR=1 pip install . => pip /app
env X=1 pip install . => pip /app
sudo -H pip install . => pip /app
exec pip install . => pip /app
poetry run pip install . => pip /app
pipx install . => pipx /app
pipx install --editable ./cli => pipx /app/cli editable
uv pip install . => uv-pip /app
uv pip install --system -e . => uv-pip /app editable
uv pip install --system --no-cache -r requirements.txt => -r /app/requirements.txt
uv pip sync requirements.txt => -r /app/requirements.txt
uv pip install --python /venv/bin/python ./lib => uv-pip /app/lib
uv --directory /src pip install . => uv-pip /src
uv pip install --target /deps . => uv-pip /app target=/deps
uv tool install . => uv-tool /app
uv sync => uv /app editable workspace
uv sync --frozen --no-dev => uv /app editable workspace
uv sync --locked --no-install-project =>
uv sync --no-install-workspace =>
uv sync --no-editable => uv /app workspace
uv sync --project /src => uv /src editable workspace
uv sync --directory svc => uv /app/svc editable workspace
uv sync --all-packages => uv /app editable workspace members=*
uv sync --package api => uv /app editable workspace members=api
uv sync --only-group dev =>
uv sync --extra x --group y => uv /app editable workspace
uv run pytest -x . => uv /app editable workspace
uv run --no-sync app =>
uv run pip install . => uv /app editable workspace; pip /app
uv lock =>
uv export -o requirements.txt =>
uv build =>
poetry install => poetry /app editable workspace
poetry install --no-root =>
poetry install --only main --no-root =>
poetry install --only main => poetry /app editable workspace
poetry install --only-root => poetry /app editable
poetry install --no-interaction --no-ansi => poetry /app editable workspace
poetry -C /src install => poetry /src editable workspace
poetry install --directory svc => poetry /app/svc editable workspace
poetry sync => poetry /app editable workspace
poetry build =>
poetry config virtualenvs.create false =>
pdm install => pdm /app editable workspace
pdm sync --prod --no-editable => pdm /app workspace
pdm install --no-self =>
pdm install -p svc => pdm /app/svc editable workspace
hatch env create => hatch /app editable
hatch run test => hatch /app editable
hatch build =>
flit install => flit /app
flit install -s => flit /app editable
flit install --symlink --deps production => flit /app editable
flit -f svc/pyproject.toml install => flit /app/svc
python setup.py install => setup.py /app
python setup.py develop => setup.py /app editable
python3 setup.py -q install --user => setup.py /app user
python setup.py build install --prefix=/p => setup.py /app prefix=/p
python setup.py build_ext --inplace =>
python setup.py sdist bdist_wheel =>
python app.py install =>
python -c install =>
pipenv install --deploy --system => pipenv -r /app/Pipfile
pipenv install -e . => pipenv /app editable; -r /app/Pipfile
pipenv sync => pipenv -r /app/Pipfile
maturin develop --release => maturin /app editable
conda env create -f env/environment.yml => -r /app/env/environment.yml
conda env update => -r /app/environment.yml
conda install numpy =>
apt-get install . =>
npm install . =>
echo pip install . =>
pip =>
python =>
poetry =>
uv =>
`

func describe(in manifest.Install) string {
	var words []string
	if in.Dir != "" {
		words = append(words, in.Tool, in.Dir)
	} else {
		words = append(words, "-r", in.Requirements)
	}
	add := func(on bool, word string) {
		if on {
			words = append(words, word)
		}
	}
	add(in.Editable, "editable")
	add(in.Workspace, "workspace")
	add(in.User, "user")
	add(in.Target != "", "target="+in.Target)
	add(in.Prefix != "", "prefix="+in.Prefix)
	add(in.Root != "", "root="+in.Root)
	add(in.Members != "", "members="+in.Members)
	return strings.Join(words, " ")
}

func TestInstalls(t *testing.T) {
	seen := map[string]bool{}
	for row := range strings.Lines(strings.TrimSpace(installs)) {
		line, want, ok := strings.Cut(strings.TrimSpace(row), "=>")
		assert.True(t, ok, row)
		assert.False(t, seen[line], "twice: %s", line)
		seen[line] = true
		var got []string
		r := command.NewRunner(nil)
		r.Program = func(c *command.Call) {
			for _, in := range manifest.Installs(c) {
				got = append(got, describe(in))
			}
		}
		r.Wrapper = r.Program
		r.Walk(shell.NewState("/app", nil), line)
		want = strings.ReplaceAll(strings.TrimSpace(want), "pipenv -r", "-r")
		assert.Equal(t, want, strings.Join(got, "; "), line)
	}
}
