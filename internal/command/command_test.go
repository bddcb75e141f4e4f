package command

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// calls gives the programs that a script starts, each with its directory; wrappers have a plus in front.
func calls(script string) []string {
	var out []string
	r := NewRunner(nil)
	r.Program = func(c *Call) {
		line := strings.TrimSpace(c.S.Dir + " " + strings.Join(c.Words(), " "))
		if c.Wraps {
			line = "+" + c.Base
		}
		if x := c.S.Env("X"); x != "" {
			line += " X=" + x
		}
		out = append(out, strings.ReplaceAll(line, shell.Hole, "?"))
	}
	r.Wrapper = r.Program
	r.Walk(shell.NewState("/w", nil), script)
	return out
}

func TestWrappers(t *testing.T) {
	for script, want := range map[string][]string{
		`sudo -EHu nobody python a.py`:   {"+sudo", "/w python a.py"},
		`env -C /d X=1 a b`:              {"+env", "/d a b X=1"},
		`env -i a`:                       {"+env", "/w a"},
		`env -S "a b" c`:                 {"+env", "/w a b c"},
		`tini -g -- a`:                   {"+tini", "/w a"},
		`gosu app:app a`:                 {"+gosu", "/w a"},
		`su -c "cd /d && a" app`:         {"/d a"},
		`timeout -k 5 10 nice -n 5 a`:    {"+timeout", "+nice", "/w a"},
		`sh -c 'cd /d; a "$0" "$1"' b c`: {"/d a b c"},
		`bash -eo pipefail -c 'a | b'`:   {"/w a", "/w b"},
		`uv run --directory /d a.py`:     {"+uv", "/d python a.py"},
		`uv run -m a`:                    {"+uv", "/w python -m a"},
		`uv sync`:                        {"/w uv sync"},
		`poetry install`:                 {"/w poetry install"},
		`poetry run a`:                   {"+poetry", "/w a"},
		`wait-for-it.sh db:1 -- a b`:     {"+wait-for-it.sh", "/w a b"},
		`$UNKNOWN a`:                     nil,
		`sh -c "$UNKNOWN"`:               nil,
		"sh <<END\na\nEND\n":             {"/w a"},
		`echo a | sh`:                    {"/w a"},
		`xargs -n 1 a`:                   {"+xargs", "/w a ?"},
		`xargs -I {} a -o {}.x b`:        {"+xargs", "/w a -o ?.x b"},
		`exec env X=1 a`:                 {"+env", "/w a X=1"},
	} {
		assert.Equal(t, want, calls(script), script)
	}
}

func TestEffects(t *testing.T) {
	for script, want := range map[string]string{
		`mkdir -p a /b`:            "makes /w/a parents, makes /b parents",
		`mkdir -pm 700 a`:          "makes /w/a parents =700",
		`mkdir a`:                  "makes /w/a",
		`install -dm 755 -o app a`: "makes /w/a parents force =755, and more",
		`install -m 755 a b`:       "copies [/w/a] /w/b =755",
		`install -D a b c/`:        "copies [/w/a /w/b] /w/c into parents =755",
		`rm a`:                     "removes /w/a",
		`rm -rf /a "$X" *`:         "removes /a all force, may take /a, may take /w, may take /w, and more",
		`mv a b`:                   "moves [/w/a] /w/b all keep",
		`cp -r a/. b c`:            "copies [/w/a/. /w/b] /w/c into all",
		`cp -a a b/`:               "copies [/w/a] /w/b into all keep",
		`cp -t b a`:                "copies [/w/a] /w/b into",
		`cp a "$X"`:                "and more",
		`cp -u a b`:                "and more",
		`ln -s /x/y`:               "links [/x/y] /w into =/x/y",
		`ln -sfn ../x b`:           "links [/x] /w/b itself force =../x",
		`ln a b`:                   "and more",
		`touch a`:                  "touches /w/a",
		`chmod +x a b`:             "mode /w/a =+x, mode /w/b =+x",
		`chmod -R 755 a`:           "mode /w/a all =755",
		`chmod -x a`:               "may take /w/a, and more",
		`chown app:app a`:          "owner /w/a =app:app",
		`echo hi | tee -a f`:       "writes /w/f appends =hi\n",
		`cat x | tee f`:            "writes /w/f unknown",
		`useradd -ms /bin/sh app`:  "makes /home/app parents owner app, and more",
		`useradd -m -d /srv app`:   "makes /srv parents owner app, and more",
		`useradd app`:              "and more",
		`adduser -D -h /srv app`:   "makes /srv parents owner app, and more",
		`adduser --disabled-password --gecos "" app`:  "makes /home/app parents owner app, and more",
		`adduser --system app`:                        "and more",
		`useradd -m "$NAME"`:                          "and more",
		`sudo mkdir /a`:                               "makes /a",
		`sed -i s/a/b/ a; sed -n p b; sed -i.old p c`: "edits /w/a, may take /w/p, may take /w/c, and more",
		`find /a -delete; find . -name '*.x' -o -name y -exec rm {} +; find b -name x`:        "may take /a, may take /w [*.x y]",
		`find a -name x -o -size 1 -delete; find a ! -name x -delete; find a -exec ./x {} \;`: "may take /w/a, may take /w/a, may take /w/a, and more",
		`ls | xargs rm -f; ls | xargs -I{} rm a/{}`:                                           "may take /w, and more, and more, may take /w/a, and more",
		`rm -rf a/$X b "$Y"; cd $Z && rm -f n`:                                                "removes /w/b all force, may take /w/a, may take /w/b, may take /w, and more, may take / [n], and more",
		`cd $X && mkdir a`:                                                                    "and more",
		`tar xzf a.tgz; tar -C /d -xf /a --strip-components=1 --no-same-owner`:                "unpacks [/w/a.tgz] /w keep, unpacks [/a] /d strip 1",
		`tar -xvzfa.tgz; tar xfC a /d; tar --extract --file a --directory=b`:                  "unpacks [/w/a.tgz] /w keep, unpacks [/w/a] /d keep, unpacks [/w/a] /w/b keep",
		`tar xf a b; tar xkf a; tar cf a b; tar x; tar xf -; tar xf a -C b -C c; tar tf a`:    "and more, and more, and more, and more, and more, and more",
		`unzip -qo a -d /d; unzip a; unzip a b; unzip -j a`:                                   "unzips [/w/a] /d, unzips [/w/a] /w, and more, and more",
		`make`: "and more",
	} {
		var got []string
		r := NewRunner(nil)
		r.Program = func(c *Call) {
			list, ok := c.Effects()
			for _, e := range list {
				got = append(got, describe(e))
			}
			if !ok {
				got = append(got, "and more")
			}
		}
		r.Walk(shell.NewState("/w", nil), script)
		text := strings.TrimPrefix(strings.Join(got, ", "), "reads, ")
		assert.Equal(t, want, strings.TrimPrefix(strings.TrimPrefix(text, "and more, "), ", "), script)
	}
}

// describe writes the fields of an effect.
func describe(e Effect) string {
	out := []string{[]string{"makes", "touches", "writes", "copies", "moves", "links", "removes", "mode", "owner", "edits", "unpacks", "unzips", "may take"}[e.Kind]}
	if len(e.From) > 0 {
		out = append(out, fmt.Sprint(e.From))
	}
	out = append(out, e.Path)
	for name, is := range map[string]bool{"1into": e.Into, "2itself": e.Itself, "3all": e.Recursive, "4parents": e.Parents, "5keep": e.Keep, "6force": e.Force, "7appends": e.Appends, "8unknown": e.Unknown} {
		if is {
			out = append(out, name)
		}
	}
	slices.Sort(out[len(out)-max(0, len(out)-2-min(1, len(e.From))):])
	for i, name := range out {
		if len(name) > 1 && name[0] >= '1' && name[0] <= '8' {
			out[i] = name[1:]
		}
	}
	if e.Strip > 0 {
		out = append(out, fmt.Sprint("strip ", e.Strip))
	}
	if e.Text != "" {
		out = append(out, "="+e.Text)
	}
	if e.Owner != "" {
		out = append(out, "owner "+e.Owner)
	}
	if len(e.Names) > 0 {
		out = append(out, fmt.Sprint(e.Names))
	}
	return strings.Join(out, " ")
}

func TestTraits(t *testing.T) {
	assert.True(t, Is("pip3.12", Installer))
	assert.True(t, Is("python3", Interpreter))
	assert.False(t, Is("python3", Builder))
	assert.True(t, Is("make", Builder|Mover))
	assert.False(t, Is("no such program", ^Trait(0)))
	for _, row := range programs {
		names := strings.Fields(row.names)
		seen := map[string]bool{}
		for _, n := range names {
			assert.False(t, seen[n], "%s stands twice in a row", n)
			seen[n] = true
		}
	}
}

func TestParseLetters(t *testing.T) {
	words := func(text string) []shell.Word { return shell.Words(strings.Fields(text), shell.Origin{}) }
	for in, want := range map[string]string{
		"-rf a":            "map[-f:[] -r:[]] [a]",
		"-dm 755 a":        "map[-d:[] -m:[755]] [a]",
		"-m755 a":          "map[-m:[755]] [a]",
		"--mode=755 a":     "map[--mode:[755]] [a]",
		"--mode 755 -- -a": "map[--mode:[755]] [-a]",
		"-x a":             "map[-x:[]] [a]",
		"a -":              "map[] [a -]",
		"-m":               "map[-m:[]] []",
	} {
		o := ParseLetters(words(in), "-m --mode", "-r -f -d")
		given := map[string][]string{}
		for name, list := range o.Given {
			given[name] = strings.Fields(strings.Join(shell.Texts(list), " "))
		}
		assert.Equal(t, want, fmt.Sprint(given, shell.Texts(o.Operands)), in)
	}
}

// A wrapper, a trait and an effect are rows of tables, and nothing else.
func TestNewProgram(t *testing.T) {
	wrappers["toywrap"] = wrapper{valued: "--level", operands: 1}
	effects["toydir"] = func(c *Call) ([]Effect, bool) { return c.on(Parse(c.Args, "").Operands, Effect{Kind: MakesDir}) }
	before := footprints
	footprints = append(slices.Clone(footprints), footprint{names: "toymake", where: temp, below: "toys", out: "--to"})
	defer func() { delete(wrappers, "toywrap"); delete(effects, "toydir"); footprints = before }()
	assert.Equal(t, []string{"+toywrap", "/w a b"}, calls("toywrap --level 2 user a b"))
	r := NewRunner(nil)
	r.Program = func(c *Call) {
		list, ok := c.Effects()
		assert.True(t, ok)
		assert.Equal(t, []Effect{{Kind: MakesDir, Path: "/d"}}, list)
	}
	r.Walk(shell.NewState("/w", nil), "sudo toydir /d")
	r.Program = func(c *Call) {
		assert.Equal(t, []string{"/w/toys", "/x"}, slices.DeleteFunc(c.Footprint().Paths, func(p string) bool { return strings.Contains(p, "/tmp/") }))
	}
	r.Walk(shell.NewState("/w", nil), "toymake --to /x")
}
