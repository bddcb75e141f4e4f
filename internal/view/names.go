package view

import (
	"slices"
	"strings"
)

// foreign are directories that hold other people's code or none.
var foreign = map[string]bool{
	"node_modules": true, "venv": true, ".venv": true, "site-packages": true, "vendor": true, "__pycache__": true, "dist-packages": true,
}

// Foreign reports whether a directory of that name holds other people's code, or none.
func Foreign(name string) bool { return foreign[name] }

// Installed reports whether a path lies in such a directory.
func Installed(p string) bool { return slices.ContainsFunc(strings.Split(p, "/"), Foreign) }

// GeneratedName reports whether a file's name, without its extension, is one that builds give to what they make.
func GeneratedName(name string) bool {
	return strings.HasSuffix(name, "_pb2") || strings.HasSuffix(name, "_pb2_grpc") ||
		slices.Contains([]string{"_version", "version", "__version__", "_about", "_build_info"}, name)
}
