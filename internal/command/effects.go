package command

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// EffectKind is what a program does to a path.
type EffectKind uint8

// The effects that a command's words decide.
const (
	MakesDir  EffectKind = iota // the path is a directory afterwards
	MakesFile                   // there is a file at the path, as it was or empty
	Writes                      // the file at the path holds Text
	Copies                      // what is at From is at the path, too
	Moves                       // what was at From is at the path
	Links                       // the path is a symbolic link to Text
	Removes                     // nothing is at the path any more
	SetsMode                    // what is at the path has the mode Text
	SetsOwner                   // what is at the path belongs to Text, USER:GROUP
	Edits                       // the file at the path holds something else
	Unpacks                     // what the tar archive at From holds is in the directory at the path
	Unzips                      // the same of a zip archive
	MayTake                     // what is at the path, or below it, may be changed or removed, where its name is one of Names
)

// Effect is what a program does if it succeeds.
type Effect struct {
	Kind EffectKind
	Path string // absolute
	// From are the sources, absolute; one that ends in "/." means what is in it.
	From []string
	// Into tells that the path is a directory into which things go, or is named as one, by a dot at its end, that is not to be removed;
	// Itself that it is what comes of them, even if a directory is there.
	Into, Itself bool
	// Slash tells that the path is written with a slash at its end, and so has to be a directory.
	Slash bool
	// Recursive tells that what is below goes, too, Parents that directories above are made, Keep that modes and owners stay, those of an archive too, Force
	// that what is there is replaced, and takes the mode of a directory that is made.
	Recursive, Parents, Keep, Force bool
	// Strip is how many directories are left away at the beginning of the names in an archive.
	Strip int
	// Text is a content, the target of a link, or a mode as chmod takes it, "" for the usual one.
	Text string
	// Names are patterns of names as path.Match has them; none for all.
	Names []string
	// Owner is the user whom it belongs to, "" for the one who runs the program.
	Owner string
	// Appends tells that Text goes behind what is there, Unknown that it is not known, There that it goes nowhere if the file is gone.
	Appends, Unknown, There bool
}

// effects are the programs whose words say what they do to files. ok is false if they may do more.
var effects = map[string]func(c *Call) (list []Effect, ok bool){
	"mkdir": func(c *Call) ([]Effect, bool) {
		o := ParseLetters(c.Args, "-m --mode", "-p -v -Z")
		mode, _ := o.Last("-m", "--mode")
		return c.on(o.Operands, Effect{Kind: MakesDir, Parents: o.Has("-p", "--parents"), Text: mode.Text})
	},
	"touch": func(c *Call) ([]Effect, bool) {
		o := ParseLetters(c.Args, "-d --date -r --reference -t", "-a -c -f -h -m")
		if o.Has("-c", "--no-create") {
			return nil, true
		}
		return c.on(o.Operands, Effect{Kind: MakesFile})
	},
	"install": install,
	"useradd": func(c *Call) ([]Effect, bool) { return c.home(false), false },
	"adduser": func(c *Call) ([]Effect, bool) { return c.home(true), false },
	"rm": func(c *Call) ([]Effect, bool) {
		o := ParseLetters(c.Args, "", "-r -R -f -i -I -d -v")
		return c.on(o.Operands, Effect{Kind: Removes, Recursive: o.Has("-r", "-R", "--recursive"), Force: o.Has("-f", "--force")})
	},
	"unlink": func(c *Call) ([]Effect, bool) { return c.on(c.Args, Effect{Kind: Removes}) },
	"rmdir": func(c *Call) ([]Effect, bool) {
		o := ParseLetters(c.Args, "", "-p -v")
		list, ok := c.on(o.Operands, Effect{Kind: Removes, Itself: true})
		return list, ok && !o.Has("-p", "--parents")
	},
	"cp": func(c *Call) ([]Effect, bool) {
		o := ParseLetters(c.Args, targetValued, "-r -R -a -p -d -L -P -H -f -n -v -T -u -x -l -s -i")
		if o.Has("-n", "-u", "-l", "-s", "-b", "--no-clobber", "--update", "--link", "--symbolic-link", "--parents", "--backup", "-L", "-H", "-i") {
			return nil, false
		}
		return c.transfer(o, Effect{Kind: Copies, Keep: o.Has("-a", "-p", "--archive", "--preserve"), Recursive: o.Has("-r", "-R", "-a", "--recursive", "--archive")})
	},
	"mv": func(c *Call) ([]Effect, bool) {
		o := ParseLetters(c.Args, targetValued, "-f -i -n -v -T -u -b")
		if o.Has("-n", "-u", "-b", "--no-clobber", "--update", "--backup", "-i") {
			return nil, false
		}
		return c.transfer(o, Effect{Kind: Moves, Keep: true, Recursive: true})
	},
	"ln": func(c *Call) ([]Effect, bool) {
		o := ParseLetters(c.Args, targetValued, "-s -f -n -v -T -r -i -b -h")
		if !o.Has("-s", "--symbolic") || o.Has("-r", "--relative", "-t", "--target-directory", "-b", "-T", "--no-target-directory") || len(o.Operands) == 0 || len(o.Operands) > 2 {
			return nil, false
		}
		target, name := o.Operands[0], o.Operands[len(o.Operands)-1]
		e := Effect{Kind: Links, Text: target.Text, Force: o.Has("-f", "--force"), Itself: o.Has("-n", "-h", "--no-dereference")}
		if e.Into = strings.HasSuffix(name.Text, "/"); len(o.Operands) == 1 {
			e.Into, name = true, shell.Word{Text: "."}
		}
		if at := c.S.Abs(target.Text); at != "" {
			e.From = []string{at}
		}
		list, ok := c.on([]shell.Word{name}, e)
		return list, ok && target.Known()
	},
	"chmod": func(c *Call) ([]Effect, bool) {
		if len(c.Args) > 0 && strings.HasPrefix(c.Args[0].Text, "-") && strings.Trim(c.Args[0].Text, "-rwxXst") == "" && !slices.Contains([]string{"-R", "-v", "-c", "-f"}, c.Args[0].Text) {
			return nil, false // a mode that takes away
		}
		return c.sets(SetsMode)
	},
	"chown": func(c *Call) ([]Effect, bool) { return c.sets(SetsOwner) },
	"find":  finds,
	"sed":   edits,
	"go":    goOutput,
	"tar":   untars,
	"unzip": unzips,
	"tee": func(c *Call) ([]Effect, bool) {
		o := ParseLetters(c.Args, "", "-a -i -p")
		return c.on(o.Operands, Effect{Kind: Writes, Text: c.Input.Text, Unknown: !c.Input.Known || strings.Contains(c.Input.Text, shell.Hole), Appends: o.Has("-a", "--append")})
	},
}

const targetValued = "-t --target-directory -S --suffix"

// Effects gives what the program does that its words tell. ok is false if it may do more, and if it is not in the table.
func (c *Call) Effects() (list []Effect, ok bool) {
	tell, is := effects[c.Base]
	if !is {
		return nil, false
	}
	if list, ok = tell(c); !ok && takers[c.Base] {
		for _, w := range c.Args {
			if dir := c.within(w); dir == "/" && strings.Contains(w.Text, shell.Hole) {
				// Of all that lies below the root only what the pattern may mean counts.
				list = append(list, Effect{Kind: MayTake, Path: dir, Names: []string{strings.ReplaceAll(path.Base(w.Text), shell.Hole, "*")}})
			} else if dir != "" {
				list = append(list, Effect{Kind: MayTake, Path: dir})
			} else if c.S.Dir == "" && w.Known() && !strings.HasPrefix(w.Text, "-") {
				list = append(list, Effect{Kind: MayTake, Path: "/", Names: []string{path.Base(w.Text)}})
			}
		}
	}
	return list, ok
}

// takers change or remove what they are given, and leave no trace of it where they write.
var takers = map[string]bool{"rm": true, "rmdir": true, "unlink": true, "mv": true, "chmod": true, "chown": true, "sed": true}

// within gives what a word names or, where its end is not known, the directory in which that lies; "" for an option. What a word means
// that nobody knows lies in the working directory, unless that is the root: a step that removes anything is none that people write.
func (c *Call) within(w shell.Word) string {
	text, _, hole := strings.Cut(w.Text, shell.Hole)
	switch {
	case strings.HasPrefix(text, "-") || text == "" && (!hole || c.S.Dir == "/"):
		return ""
	case !hole:
		return c.S.Abs(text)
	}
	if text = text[:strings.LastIndexByte(text, '/')+1]; text == "" {
		text = "."
	}
	return c.S.Abs(text)
}

// on makes an effect of each name that is known.
func (c *Call) on(names []shell.Word, e Effect) (list []Effect, ok bool) {
	ok = true
	for _, w := range names {
		if e.Path = c.S.Abs(w.Text); e.Path == "" {
			ok = false
			continue
		}
		one := e
		one.Slash = strings.HasSuffix(w.Text, "/")
		one.Into = e.Into || (e.Kind == Removes || e.Kind == MakesDir) && strings.HasPrefix(w.Text[strings.LastIndexByte(w.Text, '/')+1:], ".") && strings.Trim(w.Text[strings.LastIndexByte(w.Text, '/')+1:], ".") == ""
		list = append(list, one)
	}
	return list, ok
}

// transfer is cp and mv: the last name is where things go, unless an option names it.
func (c *Call) transfer(o Options, e Effect) ([]Effect, bool) {
	from := o.Operands
	to, given := o.Last("-t", "--target-directory")
	e.Itself = o.Has("-T", "--no-target-directory")
	if !given {
		if len(from) < 2 {
			return nil, false
		}
		from, to = from[:len(from)-1], from[len(from)-1]
	}
	e.Into = given || len(from) > 1 || strings.HasSuffix(to.Text, "/")
	e.Slash = e.Parents && !given && strings.HasSuffix(to.Text, "/")
	if e.Path = c.S.Abs(to.Text); e.Path == "" {
		return nil, false
	}
	for _, w := range from {
		p := c.S.Abs(w.Text)
		if p == "" {
			return nil, false
		}
		if w.Text == "." || strings.HasSuffix(w.Text, "/.") {
			p = strings.TrimSuffix(p, "/") + "/."
		}
		e.From = append(e.From, p)
	}
	return []Effect{e}, true
}

// install makes directories with -d, and copies otherwise.
func install(c *Call) ([]Effect, bool) {
	o := ParseLetters(c.Args, "-m --mode -o --owner -g --group -S "+targetValued, "-d -D -p -v -c -s -b -C -T")
	mode, _ := o.Last("-m", "--mode")
	exact := !o.Has("-o", "-g", "--owner", "--group", "-s", "-b", "-C")
	if mode.Text == "" {
		mode.Text = "755"
	}
	if o.Has("-d", "--directory") {
		list, ok := c.on(o.Operands, Effect{Kind: MakesDir, Parents: true, Text: mode.Text, Force: true})
		return list, ok && exact
	}
	list, ok := c.transfer(o, Effect{Kind: Copies, Parents: o.Has("-D"), Text: mode.Text})
	return list, ok && exact
}

// sets is chmod and chown: the first operand is what is set.
func (c *Call) sets(kind EffectKind) ([]Effect, bool) {
	o := ParseLetters(c.Args, "--reference --from", "-R -v -c -f -h")
	if len(o.Operands) < 2 || !o.Operands[0].Known() || o.Has("--reference", "--from", "-h") {
		return nil, false
	}
	return c.on(o.Operands[1:], Effect{Kind: kind, Text: o.Operands[0].Text, Recursive: o.Has("-R", "--recursive")})
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
	case len(o.Operands) == 0, !given && adduser && o.Has("--system"):
		return nil
	case !given:
		home = shell.Word{Text: "/home/" + o.Operands[0].Text}
	}
	list, _ := c.on([]shell.Word{home}, Effect{Kind: MakesDir, Parents: true, Owner: o.Operands[0].Text})
	return list
}

// finds is find: what it deletes, or hands to others, is not known, but for the names that it looks for.
func finds(c *Call) ([]Effect, bool) {
	roots, takes, starts, all := []shell.Word{}, false, false, false
	var names []string
	words := c.Args
	for len(words) > 0 && (words[0].Text == "-H" || words[0].Text == "-L" || words[0].Text == "-P") {
		words = words[1:]
	}
	for len(words) > 0 && !strings.HasPrefix(words[0].Text, "-") && !slices.Contains([]string{"(", ")", "!", ","}, words[0].Text) {
		roots, words = append(roots, words[0]), words[1:]
	}
	if len(roots) == 0 {
		roots = []shell.Word{{Text: "."}}
	}
	for i, w := range words {
		switch w.Text {
		case "-delete":
			takes = true
		case "-exec", "-execdir", "-ok", "-okdir":
			takes = true
			if i+1 < len(words) && (!takers[words[i+1].Text] || words[i+1].Text == "mv") {
				starts = true // what is moved arrives somewhere
			}
		case "-name":
			if i+1 < len(words) && words[i+1].Known() {
				names = append(names, words[i+1].Text)
				continue
			}
			all = true
		case "!", "-not", ",", "-iname":
			all = true
		case "-fprint", "-fls", "-fprint0":
			starts = true
		}
	}
	if !takes {
		return nil, true
	}
	if alternatives := strings.Count(" "+strings.Join(shell.Texts(words), " "), " -o"); all || alternatives > 0 && alternatives+1 != len(names) {
		names = nil // something else is found, too
	}
	var list []Effect
	for _, w := range roots {
		e := Effect{Kind: MayTake, Path: c.within(w), Names: names}
		switch {
		case e.Path == "" && c.S.Dir != "":
			continue
		case e.Path == "" && len(names) == 0: // nobody knows which directory that is
			e.Names = []string{"*"}
			fallthrough
		case e.Path == "":
			e.Path = "/"
		}
		list = append(list, e)
	}
	return list, !starts
}

// edits is sed -i: the first operand is what it does, unless an option says that.
func edits(c *Call) ([]Effect, bool) {
	o := ParseLetters(c.Args, "-e --expression -f --file -l --line-length", "-n -E -r -s -u -z")
	files := o.Operands
	if !o.Has("-e", "--expression", "-f", "--file") && len(files) > 0 {
		files = files[1:]
	}
	for name := range o.Given {
		if strings.HasPrefix(name, "-i") && name != "-i" || name == "--in-place" && o.Given[name][0].Text != "" {
			return nil, false // it keeps what was there under another name
		}
	}
	if !o.Has("-i", "--in-place") {
		return nil, true
	}
	return c.on(files, Effect{Kind: Edits})
}
