package program

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

const circusValued = "--log-level --log-output --logger-config --pidfile"

// circus starts the cmd= of every [watcher:x] of its configuration.
func (c *start) circus(o command.Options) {
	if len(o.Operands) == 0 {
		return
	}
	c.reads(o.Operands[0], false)
	file := c.S.Abs(o.Operands[0].Text)
	text, ok := c.a.run.Read(file)
	leave, times := c.a.run.Walking(file)
	defer leave()
	if !ok || times > 0 {
		c.a.untold(c.S.Here, "the configuration of circusd is unknown, so what it starts could not be determined")
		return
	}
	for _, section := range iniSections(text) {
		if strings.HasPrefix(section.name, "watcher:") {
			c.supervised(file, text, section, "cmd", "working_dir")
		}
	}
}

const scrapyValued = "-a -o --output -O --overwrite-output -t --output-format --logfile -L --loglevel --profile --pidfile -s --set"

// scrapy loads the settings of the project that its scrapy.cfg names, whose directory is searched; runspider runs a file.
func (c *start) scrapy(o command.Options) {
	if len(o.Operands) > 1 && o.Operands[0].Text == "runspider" {
		c.scriptFile(o.Operands[1])
		return
	}
	if len(o.Operands) == 0 || o.Operands[0].Text != "crawl" {
		return
	}
	dirs := []string{c.S.Dir}
	if w, ok := c.S.EnvWord("SCRAPY_SETTINGS_MODULE"); ok {
		c.importObject(w.Text, "", dirs, !w.Variable)
		return
	}
	conf := shell.Word{Text: "scrapy.cfg"}
	text, ok := c.a.run.Read(c.S.Abs(conf.Text))
	if !ok {
		c.reads(conf, false)
		c.a.untold(c.S.Here, "the project of scrapy is unknown, so what it runs could not be determined")
		return
	}
	for _, kv := range iniSection(text, "settings") {
		if kv[0] == "default" {
			c.importObject(kv[1], "", dirs, true)
		}
	}
}

// gradio runs a file that it loads again when that changes.
func (c *start) gradio(o command.Options) {
	if len(o.Operands) > 0 && path.Ext(o.Operands[0].Text) == ".py" {
		c.scriptFile(o.Operands[0])
	}
}
