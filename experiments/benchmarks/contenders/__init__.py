"""Those that are timed, each as its users write it."""
