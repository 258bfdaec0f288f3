// Package controllers holds the one constant that Cilium reads from a module
// that the Go proxy does not serve; go.mod replaces that module with this one.
package controllers

// DerivedServiceAnnotation names the Service derived from a ServiceImport.
const DerivedServiceAnnotation = "multicluster.kubernetes.io/derived-service"
