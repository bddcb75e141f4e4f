package policy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

var size = lazyre.New(`^(\d+(?:\.\d+)?) ?([kKMG]?)(i?)B?$`)

// ParseSize reads a number of bytes as people write it: 50MB, 1.5 GiB, 4096. It gives 0 for "".
func ParseSize(text string) (int64, error) {
	m := size().FindStringSubmatch(strings.TrimSpace(text))
	if text == "" {
		return 0, nil
	}
	if m == nil || m[2] == "" && m[3] != "" {
		return 0, fmt.Errorf("%q is no size: want a number with a unit, such as 50MB or 1.5GiB", text)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, err
	}
	base := 1000.0
	if m[3] != "" {
		base = 1024
	}
	for range strings.Index("kMG", strings.ReplaceAll(m[2], "K", "k")) + 1 {
		if m[2] != "" {
			n *= base
		}
	}
	return int64(n), nil
}
