package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/inventory"
	"github.com/ctxaudit/ctxaudit/internal/report"
)

// browser is a page in Chromium, with all that it asked for and complained about.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string
	messages []string
}

func openPage(t *testing.T, file, scheme string) *browser {
	t.Helper()
	chromium := tool(t, "chromium", "chromium-browser", "google-chrome")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(1360, 900), chromedp.ExecPath(chromium))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop := chromedp.NewContext(allocator)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(stop)
	b := &browser{t: t, ctx: ctx}
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	require.NoError(t, chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*network.EventRequestWillBeSent); ok {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.requests = append(b.requests, e.Request.URL)
		}
	}))
	console := chromedp.Console(ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.messages = append(b.messages, m.String())
			b.mu.Unlock()
		}
	}()
	_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(t, err)
	b.do(chromedp.Navigate("file://" + file))
	_, err = chromedp.Run(ctx, chromedp.Poll[bool](`"ready" in document.documentElement.dataset`))
	require.NoError(t, err)
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, steps...))
}

func (b *browser) text(js string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+js+")"))
	require.NoError(b.t, err)
	return s
}

// row gives the text of the row that the keyboard is at.
func (b *browser) row() string {
	return b.text(`document.querySelector("[role=tabpanel]:not([hidden]) .row.on .name")?.textContent`)
}

// calm asserts that the page asked for nothing but itself and that nothing went wrong in it.
func (b *browser) calm(file string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		if !strings.HasPrefix(r, "data:") {
			assert.Equal(b.t, "file://"+file, r, "the page asks for nothing but itself")
		}
	}
	assert.NotEmpty(b.t, b.requests)
	assert.Empty(b.t, b.messages, "the console stays empty")
}

func TestHTMLInChromium(t *testing.T) {
	example(t, "broken")
	file := filepath.Join(t.TempDir(), "report.html")
	code, out, errs := ctxaudit(t, nil, "check", "--format", "html="+file)
	require.Equal(t, exitFindings, code)
	require.Empty(t, out+errs)
	b := openPage(t, file, "light")

	// The findings are there without a click.
	assert.Equal(t, "2", b.text(`document.querySelectorAll(".card.error").length`))
	assert.Contains(t, b.text(`document.querySelector(".source mark").textContent`), "**/monitoring/")

	// What is missing is shown where it would be, with the line that keeps it out.
	b.do(chromedp.KeyEvent("2"))
	assert.Equal(t, "monitoring/", b.row())
	assert.Equal(t, ".dockerignore:7 **/monitoring/", b.text(`document.querySelector("#tree-image .row.on .by").textContent`))
	assert.Contains(t, b.text(`document.querySelector("#tree-image .row.on").className`), "x")

	// The keyboard alone goes through the tree.
	b.do(chromedp.Focus("#tree-image"), chromedp.KeyEvent(kb.Home))
	assert.Equal(t, "srv/", b.row())
	b.do(chromedp.KeyEvent(kb.ArrowLeft))
	assert.Equal(t, "1", b.text(`document.querySelectorAll("#tree-image .row").length`), "closed")
	b.do(chromedp.KeyEvent(kb.ArrowRight + kb.ArrowRight))
	assert.Equal(t, "shop_backend/", b.row())
	b.do(chromedp.KeyEvent(kb.End))
	assert.Equal(t, "requirements.txt", b.row())
	b.do(chromedp.KeyEvent(kb.Enter))
	assert.Contains(t, b.text(`document.querySelector("tr.target").textContent`), "COPY requirements.txt", "the line that a file came through")

	// Search.
	b.do(chromedp.KeyEvent("3"), chromedp.KeyEvent("/"), chromedp.KeyEvent("metrics"))
	assert.Equal(t, "1 match", b.text(`document.getElementById("hits-context").textContent`))
	assert.Equal(t, "metrics.py", b.row())
	b.do(chromedp.KeyEvent(kb.Escape))
	assert.Empty(t, b.text(`document.getElementById("search-context").value`))

	// Collapse all, with the mouse.
	b.do(chromedp.Click(`[data-tree=context][data-do=collapse]`))
	assert.Equal(t, "6", b.text(`document.querySelectorAll("#tree-context .row").length`))

	// The treemap, in and out.
	b.do(chromedp.Click("#tab-sizes"))
	b.text(`document.querySelector('#map-context [title^="shop_backend/app/main.py"]').click()`)
	assert.Contains(t, b.text(`document.getElementById("path-context").textContent`), "shop_backend")
	b.text(`document.querySelector("#path-context button").click()`)
	assert.Equal(t, "all 778 B", b.text(`document.getElementById("path-context").textContent`))

	// The lines, with what they do.
	b.do(chromedp.KeyEvent("5"))
	assert.Contains(t, b.text(`document.querySelector('tr[data-line=".dockerignore:7"]').textContent`), "−3 files")
	assert.Contains(t, b.text(`document.querySelector('tr[data-line="Dockerfile:9"]').textContent`), "4 files126 B")
	assert.Contains(t, b.text(`document.querySelector('tr[data-line=".dockerignore:11"]').textContent`), "no file")

	// Light and dark, as the system has it and by the key.
	background := `getComputedStyle(document.body).backgroundColor`
	light := b.text(background)
	b.do(chromedp.KeyEvent("t"))
	dark := b.text(background)
	assert.NotEqual(t, light, dark)
	b.calm(file)
	b = openPage(t, file, "dark")
	assert.Equal(t, dark, b.text(background))
	b.calm(file)
}

// Names that are full of syntax are shown as they are, and nothing of them runs.
// The address of the page leads to a view, a finding or a line, and its title names the finding.
func TestHTMLAddresses(t *testing.T) {
	example(t, "broken")
	ctxaudit(t, nil, "check", "--format", "html=report.html")
	file, err := filepath.Abs("report.html")
	require.NoError(t, err)
	selected := `document.querySelector("[role=tab][aria-selected=true]").id`
	for address, want := range map[string]string{
		"#sizes": "tab-sizes", "#finding-2": "tab-findings", "#line=.dockerignore%3A7": "tab-lines", "#nothing": "tab-findings", "#%22%3E": "tab-findings",
	} {
		b := openPage(t, file+address, "light")
		assert.Equal(t, want, b.text(selected), address)
		assert.Contains(t, b.text("document.title"), "shop_backend/app/services/monitoring is not in the image")
		b.calm(file)
	}
	b := openPage(t, file+"#line=.dockerignore%3A7", "light")
	assert.Equal(t, ".dockerignore:7", b.text(`document.querySelector("tr.target").dataset.line`))
	assert.Equal(t, "tab-image", b.text(`(document.querySelector("#tab-image").click(), document.querySelector("[role=tab][aria-selected=true]").id)`))
	assert.Equal(t, "#image", b.text("location.hash"))
}

func TestHTMLOfHardNames(t *testing.T) {
	hard(t)
	require.NoError(t, os.MkdirAll("</script><img src=x onerror=alert(1)>", 0o755))
	require.NoError(t, os.WriteFile("</script><img src=x onerror=alert(1)>/\u202e{{.}}`${1}", nil, 0o644))
	file := filepath.Join(t.TempDir(), "report.html")
	_, _, errs := ctxaudit(t, nil, "check", "--format", "html="+file)
	require.Empty(t, errs)
	b := openPage(t, file, "light")
	b.do(chromedp.Click("#tab-context"), chromedp.Click(`[data-tree=context][data-do=expand]`))
	assert.Contains(t, b.text(`[...document.querySelectorAll("#tree-context .name")].map((e) => e.textContent).join("|")`), "script><img src=x onerror=alert(1)>")
	assert.Equal(t, "0", b.text(`document.querySelectorAll("img").length`))
	b.calm(file)
}

// manyFiles is how many files a report must bear.
const manyFiles = 50_000

func TestHTMLOfManyFiles(t *testing.T) {
	v := &inventory.Inventory{Dockerfile: []inventory.Effect{{Line: inventory.Line{File: "Dockerfile", Number: 1}, Text: "COPY . /", Instruction: true}}}
	for i := range manyFiles {
		dir := fmt.Sprintf("area%d/pkg%02d/mod%02d", i/5000, i/250%20, i/25%10)
		if i%25 == 0 {
			for at, c := range dir + "/" {
				if c == '/' && (len(v.Image) == 0 || !strings.HasPrefix(v.Image[len(v.Image)-1].Path, dir[:at]+"/")) {
					v.Image = append(v.Image, inventory.Entry{Path: dir[:at], Dir: true, State: inventory.InImage})
				}
			}
		}
		p := fmt.Sprintf("%s/file%05d.js", dir, i)
		v.Image = append(v.Image, inventory.Entry{Path: p, Size: int64(i), State: inventory.InImage, By: v.Dockerfile[0].Line, From: p})
	}
	v.Context = v.Image
	file := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(file)
	require.NoError(t, err)
	a := report.Audit{Report: finding.NewReport([]finding.ImageReport{{Name: "many"}}), FailOn: finding.Error, Views: []*inventory.Inventory{v}}
	require.NoError(t, report.HTML(f, a, report.Style{}))
	require.NoError(t, f.Close())

	// Other work on the machine may spoil one measurement, not three.
	var took []string
	for range 3 {
		b := openPage(t, file, "light")
		took = append(took, b.text(`document.documentElement.dataset.ready`))
		b.do(chromedp.Click("#tab-image"))
		start := time.Now()
		b.do(chromedp.Focus("#search-image"), chromedp.KeyEvent("file499"))
		assert.Equal(t, "100 matches", b.text(`document.getElementById("hits-image").textContent`))
		search := time.Since(start)
		b.do(chromedp.Click(`[data-tree=image][data-do=expand]`))
		assert.Less(t, len(b.text(`"x".repeat(document.querySelectorAll("#tree-image .row").length)`)), 100, "only what is in sight is drawn")
		b.calm(file)
		t.Logf("ready after %s ms, searched in %v", took[len(took)-1], search)
		if len(took[len(took)-1]) < 4 || took[len(took)-1] < "2000" {
			return
		}
	}
	t.Errorf("%d files took %s ms to show", manyFiles, strings.Join(took, ", "))
}
