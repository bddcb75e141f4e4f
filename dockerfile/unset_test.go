package dockerfile

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUnset(t *testing.T) {
	tests := []struct {
		name, text string
		line       int
		args       map[string]string
		want       Unset
	}{
		{"an argument without default", "ARG V\nFROM x:$V\n", 2, nil, Unset{Args: []string{"V"}}},
		{"given", "ARG V\nFROM x:$V\n", 2, map[string]string{"V": "1"}, Unset{}},
		{"with a default", "ARG V=1\nFROM x:$V\n", 2, nil, Unset{}},
		{"with an empty default", "ARG V=\"\"\nFROM x:$V\n", 2, nil, Unset{Args: []string{"V"}}},
		{"behind another one", "ARG V\nARG W=x-${V}\nFROM x:${W}\n", 3, nil, Unset{Args: []string{"V"}}},
		{"with a default of the use", "ARG V\nFROM x:${V:-1}\n", 2, nil, Unset{}},
		{"with a default that has none", "ARG V\nARG W\nFROM x:${V:-$W}\n", 3, nil, Unset{Args: []string{"W"}}},
		{"in quotes that keep it", "FROM x\nLABEL a='$D' b=\"$E\"\n", 2, nil, Unset{Env: []string{"E"}}},
		{"of the shell", "FROM x\nRUN --mount=type=bind,source=$D,target=/d echo $E\n", 2, nil, Unset{Env: []string{"D"}}},
		{"of the base image", "FROM x\nENV A=1 B=2\nVOLUME $D $A ${B}\n", 3, nil, Unset{Env: []string{"D"}}},
		{"before the first FROM alone", "ARG D=/d\nFROM x\nCOPY a $D\n", 3, nil, Unset{Outside: []string{"D"}}},
		{"of a FROM", "ARG D=d\nFROM x:$D\n", 2, nil, Unset{}},
		{"declared again", "ARG D=/d\nFROM x\nARG D\nCOPY a $D\n", 4, nil, Unset{}},
		{"set again", "ARG D=/d\nFROM x\nENV D=/e\nCOPY a $D\n", 4, nil, Unset{}},
		{"escaped", "FROM x\nLABEL a=\\$D\n", 2, nil, Unset{}},
		{"automatic", "FROM x\nARG TARGETARCH\nCOPY a-$TARGETARCH /\n", 3, nil, Unset{}},
		{"itself", "FROM x\nENV A=$A:1\nCOPY $A /\n", 3, nil, Unset{}},
		{"an instruction of several lines", "FROM x\nCOPY a \\\n  $D/ \\\n  /x\n", 2, nil, Unset{Env: []string{"D"}}},
		{"nothing there", "FROM x\n", 7, nil, Unset{}},
		{"no Dockerfile", "", 1, nil, Unset{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, usageOf([]byte(tt.text)).unset(tt.line, tt.args))
		})
	}
}

// A mount at a relative path is refused where no instruction sets the working directory: a base image may.
func TestUnsetWorkdir(t *testing.T) {
	for text, want := range map[string]bool{
		"FROM x\nRUN --mount=type=bind,target=. ls\n": true,
		"FROM x\nRUN --mount=type=wrong ls\n":         false,
	} {
		_, err := Compile(t.Context(), Options{Context: withDockerfile(t, text), Platform: "linux/amd64"})
		var refused *Error
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, want, refused.Unset.Workdir, text)
		assert.Contains(t, text, refused.Text)
		assert.Contains(t, refused.Text, "RUN --mount")
	}
}
