// Package imagetest makes archives and images for tests, out of lists of what they hold.
package imagetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Archive makes a tar archive from a list of entries, one a line:
//
//	TYPE PATH MODE UID:GID [CONTENT or TARGET]
//
// with the types dir, file, symlink, link, fifo and char. Paths go into
// the archive as they are, "../x" and "/x" included. The line "empty" makes an archive
// without entries. The format "plain" is no compression.
func Archive(format, list string) ([]byte, error) {
	var b bytes.Buffer
	w, err := compressor(format, &b)
	if err != nil {
		return nil, err
	}
	tw := tar.NewWriter(w)
	for _, line := range strings.Split(strings.TrimSpace(list), "\n") {
		words, err := Words(line)
		if err != nil {
			return nil, err
		}
		if len(words) == 1 && words[0] == "empty" {
			continue
		}
		header, content, err := archiveEntry(words)
		if err != nil {
			return nil, fmt.Errorf("reading the archive entry %q: %w", line, err)
		}
		if err := tw.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("writing the archive entry %q: %w", line, err)
		}
		if _, err := io.WriteString(tw, content); err != nil {
			return nil, fmt.Errorf("writing the archive entry %q: %w", line, err)
		}
	}
	if err := tw.Close(); err != nil {
		return nil, fmt.Errorf("writing the archive: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing the archive: %w", err)
	}
	return b.Bytes(), nil
}

func archiveEntry(words []string) (header *tar.Header, content string, err error) {
	if len(words) < 4 || len(words) > 5 {
		return nil, "", fmt.Errorf("not TYPE PATH MODE UID:GID [CONTENT or TARGET]")
	}
	last := ""
	if len(words) == 5 {
		last = words[4]
	}
	header = &tar.Header{Name: words[1], Format: tar.FormatPAX}
	if header.Mode, err = strconv.ParseInt(words[2], 8, 32); err != nil {
		return nil, "", err
	}
	if _, err := fmt.Sscanf(words[3], "%d:%d", &header.Uid, &header.Gid); err != nil {
		return nil, "", err
	}
	switch words[0] {
	case "dir":
		header.Typeflag = tar.TypeDir
	case "file":
		header.Typeflag, header.Size, content = tar.TypeReg, int64(len(last)), last
	case "symlink":
		header.Typeflag, header.Linkname = tar.TypeSymlink, last
	case "link":
		header.Typeflag, header.Linkname = tar.TypeLink, last
	case "fifo":
		header.Typeflag = tar.TypeFifo
	case "char":
		header.Typeflag, header.Devmajor, header.Devminor = tar.TypeChar, 1, 3
	default:
		return nil, "", fmt.Errorf("unknown type")
	}
	return header, content, nil
}

// compressor opens a stream that compresses into w.
func compressor(format string, w io.Writer) (io.WriteCloser, error) {
	switch format {
	case "plain":
		return nopCloser{w}, nil
	case "gzip":
		return gzip.NewWriter(w), nil
	case "xz":
		return xz.NewWriter(w)
	case "zstd":
		return zstd.NewWriter(w)
	case "base64": // no compression that BuildKit knows
		return base64.NewEncoder(base64.StdEncoding, w), nil
	}
	return nil, fmt.Errorf("unknown archive format %q", format)
}

// Words splits a line at blanks and unquotes the words in double quotes.
func Words(line string) ([]string, error) {
	var words []string
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		if rest[0] != '"' {
			word, after, _ := strings.Cut(rest, " ")
			words, rest = append(words, word), after
			continue
		}
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", rest, err)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", quoted, err)
		}
		words, rest = append(words, word), rest[len(quoted):]
	}
	return words, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
