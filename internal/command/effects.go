package command

import (
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// EffectKind is what a program does to a path.
type EffectKind uint8

// The effects that can be told from a command's words.
const (
	MakesDir EffectKind = iota // the path is a directory afterwards, and so are those above it
	Removes                    // nothing is at the path any more
	Moves                      // what was at the path is elsewhere
)

// Effect is what a program surely does, if it is run.
type Effect struct {
	Kind EffectKind
	Path string // absolute
	// Recursive tells that what is below goes, too.
	Recursive bool
}

// effects are the programs whose effects can be told.
var effects = map[string]func(c *Call) []Effect{
	"mkdir": func(c *Call) []Effect {
		return c.on(MakesDir, ParseLetters(c.Args, "-m --mode", "-p -v -Z").Operands)
	},
	"install": func(c *Call) []Effect {
		o := ParseLetters(c.Args, "-m --mode -o --owner -g --group -t --target-directory -S", "-d -D -p -v -c -s -b -C -T")
		if !o.Has("-d", "--directory") {
			return nil
		}
		return c.on(MakesDir, o.Operands)
	},
	"useradd": func(c *Call) []Effect { return c.home(false) },
	"adduser": func(c *Call) []Effect { return c.home(true) },
	"rm":      func(c *Call) []Effect { return c.gone(Removes) },
	"rmdir":   func(c *Call) []Effect { return c.gone(Removes) },
	"mv":      func(c *Call) []Effect { return c.gone(Moves) },
}

// Effects gives what the program does that its words tell; none for most.
func (c *Call) Effects() []Effect {
	if tell, ok := effects[c.Base]; ok {
		return tell(c)
	}
	return nil
}

// on makes an effect of each name that is known.
func (c *Call) on(kind EffectKind, names []shell.Word) []Effect {
	var out []Effect
	for _, w := range names {
		if p := c.S.Abs(w.Text); p != "" {
			out = append(out, Effect{Kind: kind, Path: p})
		}
	}
	return out
}

// gone is what rm, rmdir and mv take away. The last name of mv is where things go, and whatever was there is another thing now.
func (c *Call) gone(kind EffectKind) []Effect {
	o := ParseLetters(c.Args, "-t -S", "-r -R -f -i -I -d -v -u -n -b -T -p")
	out := c.on(kind, o.Operands)
	for i := range out {
		out[i].Recursive = kind == Moves || o.Has("-r", "-R", "--recursive")
	}
	return out
}

const (
	userValued = "-b -c -d -e -f -g -G -h -k -K -p -s -R -u -Z --base-dir --comment --home-dir --home --expiredate --inactive --gid --groups --skel " +
		"--key --password --shell --root --prefix --uid --selinux-user --gecos --ingroup --firstuid --lastuid --firstgid --lastgid --conf"
	userSwitches = "-m -M -l -N -o -r -U -D -S -H -q"
)

// home is the home directory of a new user: useradd makes it where -m asks for it, adduser unless it is told not to.
func (c *Call) home(adduser bool) []Effect {
	valued := userValued
	if adduser { // busybox and Debian: -h DIR, -H without one
		valued = strings.Replace(valued, " -d ", " ", 1)
	}
	if slices.ContainsFunc(c.Args, func(w shell.Word) bool { return !w.Known() }) {
		return nil
	}
	o := ParseLetters(c.Args, valued, userSwitches)
	makes := adduser && !o.Has("-H", "--no-create-home") || !adduser && o.Has("-m", "--create-home") && !o.Has("-M")
	home, given := o.Last("--home", "--home-dir", map[bool]string{false: "-d", true: "-h"}[adduser])
	switch {
	case !makes:
		return nil
	case given:
		return c.on(MakesDir, []shell.Word{home})
	case len(o.Operands) == 0 || adduser && o.Has("--system"):
		return nil
	}
	return c.on(MakesDir, []shell.Word{{Text: "/home/" + o.Operands[0].Text}})
}
