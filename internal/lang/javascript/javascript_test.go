package javascript

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/modules"
	"github.com/ctxaudit/ctxaudit/internal/need"
)

// The values of a reach are those of need.
func TestReach(t *testing.T) {
	for r, want := range map[modules.Reach]need.Reach{
		modules.Typing: need.Typing, modules.Guarded: need.Guarded, modules.Lazy: need.Lazy, modules.Conditional: need.Conditional, modules.Startup: need.Startup,
	} {
		assert.Equal(t, want, need.Reach(r))
	}
}
