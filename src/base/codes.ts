/**
 * Every diagnostic of nnc, by its stable code. Codes are never reused for another meaning.
 * NN1: text and grammar. NN2: names, arguments, shapes. NN3: data. NN4: weights. NN5: the call. NN6: the device.
 */
export const CODES = {
  NN101: 'a character that the language does not use',
  NN102: 'a string without its closing quote',
  NN103: 'something else was expected here',
  NN104: 'this is not a statement',
  NN105: 'a bracket is not closed',

  NN201: 'unknown name',
  NN202: 'wrong arguments',
  NN203: 'shapes do not fit',
  NN204: 'wrong type of value',
  NN205: 'a name is defined twice',
  NN206: 'a value is out of its range',
  NN207: 'a statement is missing',
  NN208: 'a statement stands twice',
  NN209: 'the shape of the input is not known',
  NN210: 'this is not a layer',
  NN211: 'the target does not fit the loss',
  NN212: 'not supported yet',
  NN213: 'unused name',
  NN214: 'a definition uses itself',
  NN215: 'a block has one value',
  NN216: 'the program is nested too deeply',
  NN217: 'the model is too large',
  NN218: 'this cannot be imported',
  NN219: 'one random draw for all examples',
  NN220: 'this will not learn well',
  NN221: 'a derivative is 0',

  NN301: 'the data cannot be read',
  NN302: 'a column is missing',
  NN303: 'a value in the data is wrong',
  NN304: 'the data does not fit the model',
  NN305: 'there is no data',
  NN306: 'a label is out of range',

  NN401: 'the weights cannot be read',
  NN402: 'the weights do not fit the model',
  NN403: 'a file cannot be written',

  NN501: 'the call is wrong',
  NN502: 'the file cannot be read',

  NN601: 'no device',
  NN602: 'the device failed',
  NN603: 'the model does not fit the device',

  NN701: 'the gradient check failed',
  NN702: 'the loss is not a number',
  NN703: 'a weight is not a number',
  NN704: 'a file is not formatted',
} as const;

export type Code = keyof typeof CODES;
