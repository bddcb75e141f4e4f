package report

import "reflect"

// fit gives a copy of a record in which every text is fit to be shown. It is for what a template writes: no field of it can
// be forgotten. What is of a type of its own, such as the page's scripts, is left alone.
func fit[T any](v T) T {
	out := reflect.New(reflect.TypeFor[T]()).Elem()
	copyFit(out, reflect.ValueOf(v))
	return out.Interface().(T)
}

func copyFit(to, from reflect.Value) {
	switch from.Kind() {
	case reflect.String:
		to.SetString(Text(from.String()))
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			copyFit(to.Elem(), from.Elem())
		}
	case reflect.Slice:
		if from.IsNil() || !holdsText(from.Type().Elem()) {
			to.Set(from)
			return
		}
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			copyFit(to.Index(i), from.Index(i))
		}
	case reflect.Struct:
		for i := range from.NumField() {
			copyFit(to.Field(i), from.Field(i))
		}
	default:
		to.Set(from)
	}
}

func holdsText(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Pointer, reflect.Slice, reflect.Struct:
		return true
	}
	return false
}
