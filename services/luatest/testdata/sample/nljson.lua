return "a file of the name of a global"
