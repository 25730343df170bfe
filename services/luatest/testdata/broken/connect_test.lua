connect("/broken")
