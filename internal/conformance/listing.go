package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// The types of entries.
const (
	TypeFile    = "file"
	TypeDir     = "dir"
	TypeSymlink = "symlink"
	TypeFIFO    = "fifo"
	TypeChar    = "char"
	TypeBlock   = "block"
)

// An Entry is one path of an image's root file system.
type Entry struct {
	Path string // absolute; any bytes
	Type string
	Mode string // four octal digits, set-id and sticky bits included
	UID  int
	GID  int
	Size int64  // 0 for what is not a regular file
	Link string // target of a symbolic link
}

func (e Entry) String() string {
	s := fmt.Sprintf("%s %s %d:%d %s", e.Type, e.Mode, e.UID, e.GID, quotePath(e.Path))
	switch e.Type {
	case TypeFile:
		s += fmt.Sprintf(" %d bytes", e.Size)
	case TypeSymlink:
		s += " -> " + quotePath(e.Link)
	}
	return s
}

// quotePath shows an ordinary path as it is and any other one as Go would.
func quotePath(path string) string {
	if quoted := strconv.Quote(path); quoted != `"`+path+`"` || strings.Contains(path, " ") || path == "" {
		return quoted
	}
	return path
}

// A Listing holds every entry of a root file system but the root itself,
// sorted by path.
type Listing []Entry

func (l Listing) sort() {
	slices.SortFunc(l, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
}

func (l Listing) String() string {
	var b strings.Builder
	for _, e := range l {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

// A Config is the part of an image's configuration that a Dockerfile sets,
// with the names that the image specification and Docker give it.
type Config struct {
	User         string              `json:",omitempty"`
	ExposedPorts map[string]struct{} `json:",omitempty"`
	Env          []string            `json:",omitempty"`
	Entrypoint   []string            `json:",omitempty"`
	Cmd          []string            `json:",omitempty"`
	Volumes      map[string]struct{} `json:",omitempty"`
	WorkingDir   string              `json:",omitempty"`
	Labels       map[string]string   `json:",omitempty"`
	StopSignal   string              `json:",omitempty"`
	Healthcheck  map[string]any      `json:",omitempty"`
	OnBuild      []string            `json:",omitempty"`
	Shell        []string            `json:",omitempty"`
}

// normalize makes an empty list and an absent one the same: no program that
// starts an image tells them apart.
func (c *Config) normalize() {
	for _, list := range []*[]string{&c.Env, &c.Entrypoint, &c.Cmd, &c.OnBuild, &c.Shell} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	if len(c.ExposedPorts) == 0 {
		c.ExposedPorts = nil
	}
	if len(c.Volumes) == 0 {
		c.Volumes = nil
	}
	if len(c.Labels) == 0 {
		c.Labels = nil
	}
	if len(c.Healthcheck) == 0 {
		c.Healthcheck = nil
	}
}

func (c Config) String() string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(c); err != nil {
		panic("conformance: a configuration that JSON cannot hold: " + err.Error())
	}
	return b.String()
}

// Diff describes how a prediction differs from the build, one line for each
// difference; "" says that they agree. Lines with - were built and not
// predicted, lines with + were predicted and not built.
func Diff(built, predicted *Result) string {
	switch {
	case built.Failure != nil && predicted.Failure != nil:
		if built.Failure.Line == 0 || built.Failure.Line == predicted.Failure.Line {
			return ""
		}
		return fmt.Sprintf("- fails at line %d: %s\n+ fails at line %d: %s\n",
			built.Failure.Line, built.Failure.Message, predicted.Failure.Line, predicted.Failure.Message)
	case built.Failure != nil:
		return fmt.Sprintf("- fails at line %d: %s\n+ builds\n", built.Failure.Line, built.Failure.Message)
	case predicted.Failure != nil:
		return fmt.Sprintf("- builds\n+ fails at line %d: %s\n", predicted.Failure.Line, predicted.Failure.Message)
	}
	return diffListings(built.Listing, predicted.Listing) + diffConfigs(built.Config, predicted.Config)
}

// diffListings merges two sorted listings.
func diffListings(built, predicted Listing) string {
	var b strings.Builder
	for len(built) > 0 || len(predicted) > 0 {
		order := 0
		switch {
		case len(built) == 0:
			order = 1
		case len(predicted) == 0:
			order = -1
		default:
			order = strings.Compare(built[0].Path, predicted[0].Path)
		}
		if order == 0 && built[0] == predicted[0] {
			built, predicted = built[1:], predicted[1:]
			continue
		}
		if order <= 0 {
			fmt.Fprintf(&b, "- %s\n", built[0])
			built = built[1:]
		}
		if order >= 0 {
			fmt.Fprintf(&b, "+ %s\n", predicted[0])
			predicted = predicted[1:]
		}
	}
	return b.String()
}

func diffConfigs(built, predicted Config) string {
	var b strings.Builder
	was, is := reflect.ValueOf(built), reflect.ValueOf(predicted)
	for i := range was.NumField() {
		if !reflect.DeepEqual(was.Field(i).Interface(), is.Field(i).Interface()) {
			name := was.Type().Field(i).Name
			fmt.Fprintf(&b, "- config %s: %q\n+ config %s: %q\n", name, was.Field(i).Interface(), name, is.Field(i).Interface())
		}
	}
	return b.String()
}
