function y = softmax(p, x)
  y = layers.SoftmaxLayer(p, x);
end
