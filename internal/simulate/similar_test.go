package simulate

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSimilarNames(t *testing.T) {
	for _, c := range []struct{ name, near string }{
		{"conifg", "config"}, {"konf", "conf"}, {"srv", "src"}, {"gone", ""}, {"tmp", ""},
	} {
		near, ok := similar(c.name, []string{"config", "conf", "src", "home", "var"}, true)
		if assert.Equal(t, c.near != "", ok, c.name); ok {
			assert.Equal(t, c.near, near)
		}
	}
}
