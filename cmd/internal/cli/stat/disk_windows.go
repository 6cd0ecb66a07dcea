package stat

import "coder.internal/api"

func disk(string) (figure, error) {
	return figure{}, &api.Error{Code: api.CodeUnsupported, Message: "This command does not know volumes of Windows."}
}
