package dockerfile

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
	"github.com/moby/buildkit/util/gitutil"
)

// A git repository over ssh must not reach BuildKit's llb.Git: that one scans the keys of the host when it makes the
// source, which is to dial. So each such reference is handed over as one of the git protocol, to the same host and path,
// with a user by which the original is found again. Nothing that is shown holds the stand-in.

// standIns are the references that stand for others.
type standIns struct {
	originals []standIn
	byRef     map[string]string // what stands for a reference
}

type standIn struct {
	user   string // of the stand-in
	ref    string // the original, as it was written once its variables were expanded
	remote string // the original as git takes it
	given  string // the stand-in
}

// sshRemote gives what git would connect to, if a reference is a git repository over ssh. It asks what llb.Git asks. One
// that BuildKit refuses before is none.
func sshRemote(ref string) (remote string, ok bool) {
	git, _, err := dfgitutil.ParseGitRef(ref)
	if err != nil {
		return "", false
	}
	u, err := gitutil.ParseURL(git.Remote)
	if err != nil || u.Scheme != gitutil.SSHProtocol {
		return "", false
	}
	return git.Remote, true
}

// maxStandIn bounds the length of a stand-in: a line of a Dockerfile is not endless. Beyond it the path is left out.
const maxStandIn = 4 << 10

// of gives the stand-in of a reference; false for one that needs none.
func (s *standIns) of(ref string) (string, bool) {
	if given, ok := s.byRef[ref]; ok {
		return given, true
	}
	remote, ok := sshRemote(ref)
	if !ok {
		return "", false
	}
	u, err := gitutil.ParseURL(ref)
	if err != nil {
		return "", false
	}
	user := fmt.Sprintf("ctxaudit-ssh-%d", len(s.originals))
	fragment := ""
	if u.Opts != nil {
		fragment = u.Opts.Ref
		if u.Opts.Subdir != "" {
			fragment += ":" + u.Opts.Subdir
		}
	}
	given := "git://" + user + "@" + plainHost(u.Host) + "/" + escaped(strings.TrimPrefix(u.Path, "/"))
	if len(u.Query) > 0 {
		given += "?" + u.Query.Encode()
	}
	if fragment != "" {
		given += "#" + escaped(fragment)
	}
	if len(given) > maxStandIn {
		given = "git://" + user + "@" + plainHost("") + "/"
	}
	if s.byRef == nil {
		s.byRef = map[string]string{}
	}
	s.byRef[ref] = given
	s.originals = append(s.originals, standIn{user: user, ref: ref, remote: remote, given: given})
	return given, true
}

// original gives what git would have been asked for in the place of a stand-in's remote.
func (s *standIns) original(remote string) (string, bool) {
	u, err := url.Parse(remote)
	if err != nil || u.Scheme != gitutil.GitProtocol || u.User == nil {
		return "", false
	}
	for _, o := range s.originals {
		if o.user == u.User.Username() {
			return o.remote, true
		}
	}
	return "", false
}

// restore puts the originals back into a text of BuildKit's.
func (s *standIns) restore(text string) string {
	if len(s.originals) == 0 || !strings.Contains(text, "ctxaudit-ssh-") {
		return text
	}
	for _, o := range s.originals {
		text = strings.ReplaceAll(text, quotedWord(o.given), o.ref)
		text = strings.ReplaceAll(text, o.given, o.ref)
	}
	return text
}

// quotedWord writes a stand-in as a word of a Dockerfile in which nothing is expanded.
func quotedWord(given string) string { return "'" + given + "'" }

func isPlain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// escaped writes a path or fragment with nothing in it that means something to a Dockerfile.
func escaped(text string) string {
	var out strings.Builder
	for i := range len(text) {
		if c := text[i]; isPlain(c) || c == '/' || c == ':' {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// plainHost gives a host that needs no quoting; one that does is left out.
func plainHost(host string) string {
	for i := range len(host) {
		if c := host[i]; !isPlain(c) && c != ':' {
			return "host"
		}
	}
	if _, err := url.Parse("git://" + host + "/"); host == "" || err != nil {
		return "host"
	}
	return host
}
