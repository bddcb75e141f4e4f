package report

import (
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// What is written for a shell, or in YAML, means the text that it stands for, and the screen finds nothing to do.
func TestQuotedTexts(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	for _, s := range append(hostile, "plain", "it's", `back\slash`, "$(touch x)`y`", "%s") {
		for _, quoted := range []string{shellQuoted(s), yamlText(s)} {
			assert.Equal(t, quoted, Text(quoted))
		}
		out, err := exec.Command(sh, "-c", "printf %s "+shellQuoted(s)).Output()
		require.NoError(t, err, s)
		assert.Equal(t, strings.TrimRight(s, "\n"), string(out))
		if utf8.ValidString(s) {
			var back string
			require.NoError(t, yaml.Unmarshal([]byte(yamlText(s)), &back), s)
			assert.Equal(t, s, back)
		}
	}
}
