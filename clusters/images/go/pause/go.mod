module plumbline/forge/pause

go 1.26.0
