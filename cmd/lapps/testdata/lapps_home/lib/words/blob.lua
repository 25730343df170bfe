local words = {}

-- text makes a text of n bytes.
words["text"] = function(n)
  return string.rep("blob", math.ceil(n / 4)):sub(1, n);
end

return words
