package report

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// ContextEntry is an entry of a build context.
type ContextEntry struct {
	Path string `json:"path"`
	// PathBytes is the path in base64 if it is not UTF-8, which JSON cannot hold.
	PathBytes string `json:"pathBytes,omitempty"`
	Type      string `json:"type"`
	Size      int64  `json:"size"`
	Link      string `json:"link,omitempty"`
	// ArrivesEmpty tells of a file that BuildKit lists and then sends without its content.
	ArrivesEmpty bool `json:"arrivesEmpty,omitempty"`
	// IgnoredBy is the line that keeps the entry out.
	IgnoredBy *finding.Place `json:"ignoredBy,omitempty"`
}

// ImageEntry is an entry of an image.
type ImageEntry struct {
	Path      string `json:"path"`
	PathBytes string `json:"pathBytes,omitempty"`
	Type      string `json:"type"`
	Mode      string `json:"mode"`
	// UID and GID are nil if only names are known: User and Group.
	UID   *uint32 `json:"uid"`
	GID   *uint32 `json:"gid"`
	User  string  `json:"user,omitempty"`
	Group string  `json:"group,omitempty"`
	Size  int64   `json:"size"`
	// SizeUnknown tells of a file whose content is not known before it is downloaded.
	SizeUnknown bool `json:"sizeUnknown,omitempty"`
	// Certain tells that it is there, as it is listed; Unsure that a step may have changed or removed it, or a directory that it lies in.
	Certain bool   `json:"certain"`
	Unsure  bool   `json:"unsure,omitempty"`
	Link    string `json:"link,omitempty"`
	// Provenance is the way of the entry into the image, the last instruction first; only if it was asked for.
	Provenance []Origin `json:"provenance,omitempty"`
}

// Possible is a path at or below which an image may hold more than is listed.
type Possible struct {
	Path      string `json:"path"`
	PathBytes string `json:"pathBytes,omitempty"`
	// By is the instruction that may have put something there, FILE:LINE; "" for any of them.
	By string `json:"by"`
}

// Origin is one stage on the way of an entry.
type Origin struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text,omitempty"`
	// ContextPath is the path in a build context that the entry comes from, Context the context's name.
	Context     string `json:"context,omitempty"`
	ContextPath string `json:"contextPath,omitempty"`
	// Member is the name in the archive that ADD unpacked.
	Member string `json:"member,omitempty"`
	URL    string `json:"url,omitempty"`
}

// EncodePath gives base64 of a path that JSON cannot hold, "" of any other.
func EncodePath(p string) string {
	if utf8.ValidString(p) {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(p))
}

// ContextList writes entries of a context, one a line.
func ContextList(out io.Writer, entries []ContextEntry, s Style) error {
	w := bufio.NewWriter(out)
	for _, e := range entries {
		fmt.Fprint(w, entryName(e.Path, e.Type, e.Link))
		if notes := contextNotes(e); notes != "" {
			fmt.Fprint(w, "  ", s.dim(notes))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// entryName is how an entry is called, with what tells its type.
func entryName(name, typ, link string) string {
	switch typ {
	case "dir":
		return Name(name) + "/"
	case "symlink":
		return Name(name) + " -> " + Name(link)
	default:
		return Name(name)
	}
}

// lineText is a line that stands beside each of many entries.
func lineText(s string) string { return Text(clip(s, maxLineText)) }

const maxLineText = 200

func contextNotes(e ContextEntry) string {
	switch {
	case e.IgnoredBy != nil:
		return fmt.Sprintf("%s:%d %s", Name(e.IgnoredBy.File), e.IgnoredBy.Line, lineText(e.IgnoredBy.Text))
	case e.ArrivesEmpty:
		return "arrives empty"
	default:
		return ""
	}
}

// ImageList writes entries of an image, one a line, as ls -l does. each hands over the entries; it is called twice, because
// the first line must know the widest one, and an image may be too large to keep its entries.
func ImageList(out io.Writer, each func(func(ImageEntry) error) error, s Style) error {
	w := bufio.NewWriterSize(out, 64<<10)
	owner, size := 0, 0
	err := each(func(e ImageEntry) error {
		owner, size = max(owner, len(e.owner())), max(size, len(e.size()))
		return nil
	})
	if err != nil {
		return err
	}
	err = each(func(e ImageEntry) error {
		fmt.Fprintf(w, "%s %s %-*s %*s %s", typeLetter(e.Type), Name(e.Mode), owner, e.owner(), size, e.size(), entryName(e.Path, e.Type, e.Link))
		if p := provenance(e.Provenance); p != "" {
			fmt.Fprint(w, "  ", s.dim("<- "+p))
		}
		_, err := fmt.Fprintln(w)
		return err
	})
	if err != nil {
		return err
	}
	return w.Flush()
}

func (e ImageEntry) owner() string {
	part := func(id *uint32, name string) string {
		if id == nil {
			return Name(name)
		}
		return fmt.Sprint(*id)
	}
	return part(e.UID, e.User) + ":" + part(e.GID, e.Group)
}

func (e ImageEntry) size() string {
	if e.SizeUnknown {
		return "?"
	}
	return fmt.Sprint(e.Size)
}

func typeLetter(t string) string {
	switch t {
	case "file":
		return "-"
	case "symlink":
		return "l"
	case "fifo":
		return "p"
	default:
		return t[:1]
	}
}

func provenance(steps []Origin) string {
	parts := make([]string, 0, len(steps))
	for _, o := range steps {
		switch {
		case o.Member != "":
			parts = append(parts, fmt.Sprintf("%s:%d %s", Name(o.File), o.Line, lineText(o.Text)), "member "+Name(o.Member))
		case o.ContextPath != "":
			name := Name(o.ContextPath)
			if o.Context != "context" {
				name = Name(o.Context) + ": " + name
			}
			parts = append(parts, name)
		case o.URL != "":
			parts = append(parts, Name(o.URL))
		default:
			parts = append(parts, fmt.Sprintf("%s:%d %s", Name(o.File), o.Line, lineText(o.Text)))
		}
	}
	return strings.Join(parts, " <- ")
}

// TreeNode is an entry of a drawn tree: its path, and what stands behind its name.
type TreeNode struct {
	Path, Label, Note string
	Dir               bool
}

// Tree draws entries as a tree, with the directories above them that are not among them.
func Tree(out io.Writer, root string, nodes []TreeNode, s Style) error {
	w := bufio.NewWriter(out)
	fmt.Fprintln(w, s.bold(Name(root)))
	children := map[string][]TreeNode{}
	have := make(map[string]bool, len(nodes))
	for _, n := range nodes {
		have[n.Path] = true
	}
	var add func(n TreeNode)
	add = func(n TreeNode) {
		dir := ""
		if i := strings.LastIndexByte(n.Path, '/'); i >= 0 {
			dir = n.Path[:i]
		}
		children[dir] = append(children[dir], n)
		if dir != "" && !have[dir] {
			have[dir] = true
			add(TreeNode{Path: dir, Label: entryName(path.Base(dir), "dir", ""), Dir: true})
		}
	}
	for _, n := range nodes {
		add(n)
	}
	for _, list := range children {
		slices.SortFunc(list, func(a, b TreeNode) int { return strings.Compare(a.Path, b.Path) })
	}
	dirs, files := 0, 0
	var draw func(dir, indent string)
	draw = func(dir, indent string) {
		list := children[dir]
		for i, n := range list {
			branch, next := "├── ", "│   "
			if i == len(list)-1 {
				branch, next = "└── ", "    "
			}
			label := n.Label
			if n.Dir {
				label = s.bold(label)
				dirs++
			} else {
				files++
			}
			fmt.Fprint(w, s.dim(indent+branch), label)
			if n.Note != "" {
				fmt.Fprint(w, "  ", s.dim(n.Note))
			}
			fmt.Fprintln(w)
			if n.Dir {
				draw(n.Path, indent+next)
			}
		}
	}
	draw("", "")
	plural := "directories"
	if dirs == 1 {
		plural = "directory"
	}
	fmt.Fprintf(w, "\n%d %s, %s\n", dirs, plural, count(files, "file"))
	return w.Flush()
}

// ContextTree draws a context.
func ContextTree(out io.Writer, root string, entries []ContextEntry, s Style) error {
	nodes := make([]TreeNode, len(entries))
	for i, e := range entries {
		nodes[i] = TreeNode{Path: e.Path, Label: entryName(path.Base(e.Path), e.Type, e.Link), Note: contextNotes(e), Dir: e.Type == "dir"}
	}
	return Tree(out, root, nodes, s)
}

// ImageTree draws an image.
func ImageTree(out io.Writer, root string, entries []ImageEntry, s Style) error {
	nodes := make([]TreeNode, len(entries))
	for i, e := range entries {
		nodes[i] = TreeNode{Path: e.Path, Label: entryName(path.Base(e.Path), e.Type, e.Link), Dir: e.Type == "dir"}
		if p := provenance(e.Provenance); p != "" {
			nodes[i].Note = "<- " + p
		}
	}
	return Tree(out, root, nodes, s)
}
