package program

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// Crontab is a table of cron that steps of the build install where it is not known what lies beside it.
type Crontab struct {
	File string // absolute
	// Text is what it holds; "" if the image has the file.
	Text string
	// Users tells that its lines name a user in front of the command, as those of the system do (crontab(5)).
	Users bool
}

// cron starts what the tables of the image tell.
func (c *start) cron(command.Options) {
	c.a.add(c.S, Entry{Kind: Program})
	tables := append([]Crontab{{File: "/etc/crontab", Users: true}}, c.a.crontabs...)
	for _, dir := range []string{"/etc/cron.d", "/var/spool/cron/crontabs", "/var/spool/cron", "/etc/crontabs"} { // Debian's, Red Hat's, BusyBox'
		for _, name := range c.a.names(dir) {
			tables = append(tables, Crontab{File: path.Join(dir, name), Users: dir == "/etc/cron.d"})
		}
	}
	for _, t := range tables {
		c.crontab(t)
	}
}

// crontabFile is a program that is given a table, and starts what that tells.
func (c *start) crontabFile(o command.Options) {
	if len(o.Operands) == 0 {
		return
	}
	w := o.Operands[len(o.Operands)-1]
	file := c.S.Abs(w.Text)
	if _, known := c.a.run.Read(file); !known && c.Base != "crontab" {
		c.reads(w, false)
		c.a.untold(c.S.Here, "the table "+shell.Shown(w.Text)+" of "+c.Base+" is unknown, so what it starts could not be determined")
	}
	c.crontab(Crontab{File: file})
}

// service starts a daemon by the name of its script.
func (c *start) service(o command.Options) {
	if len(o.Operands) > 1 && (o.Operands[0].Text == "cron" || o.Operands[0].Text == "crond") && strings.HasSuffix(o.Operands[1].Text, "start") {
		c.cron(o)
	}
}

// cronLine is a line that starts a command: when, and the rest.
var cronLine = lazyre.New(`^\s*(?:@(?:reboot|yearly|annually|monthly|weekly|daily|midnight|hourly|every\s+\S+)|(?:[-\d*/,?LW#A-Za-z]+\s+){4}[-\d*/,?LW#A-Za-z]+)\s+(.*)$`)

// crontab starts the lines of a table, in the home directory of who runs them.
func (c *start) crontab(t Crontab) {
	text, known := t.Text, t.Text != ""
	if !known {
		text, known = c.a.run.Read(t.File)
	}
	leave, times := c.a.run.Walking(t.File)
	defer leave()
	if !known || times > 0 {
		return
	}
	env := c.S.Child()
	for i, line := range strings.Split(text, "\n") {
		m := cronLine().FindStringSubmatch(line)
		if m == nil {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.ContainsAny(name, "# \t") {
				env.Export(name, strings.Trim(value, `"'`))
			}
			continue
		}
		s := env.Child()
		s.Via = append(s.Via, c.S.Here)
		s.In("", "")
		s.Here = shell.Origin{File: t.File, Line: i + 1, Text: strings.Join(strings.Fields(line), " "), InImage: true}
		run, user := strings.TrimSpace(m[1]), "root"
		if first, rest, ok := strings.Cut(run, " "); ok && t.Users && account(first) {
			user, run = first, rest
		}
		if c.Base != "supercronic" && user == "root" {
			s.Chdir(shell.Word{Text: "/root"})
		} else if c.Base != "supercronic" {
			s.Chdir(shell.Word{Text: shell.Hole, Variable: true})
		}
		c.a.run.Walk(s, strings.TrimSpace(run))
	}
}

// account reports whether a word is a user and not a command: a table without users is often put among those of the system, and
// installed from there.
func account(word string) bool {
	return !strings.ContainsAny(word, "/.=") && word != "cd" && !command.IsPython(word) && !command.IsShell(word) && !command.Wraps(word) && !KnownTool(word)
}
