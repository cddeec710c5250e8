/** The names of the two files of a model. */
import { ValidationError } from '../errors.js';

/** The `.bin` file that belongs to an `.xml` file. */
export function weightsPath(path: string): string {
  if (typeof path !== 'string' || !/\.xml$/i.test(path)) {
    throw new ValidationError(
      'NOT_XML_PATH',
      `A model is the pair of a .xml and a .bin file; ${JSON.stringify(path)} is not the path of the .xml file. Give one such as 'model.xml'.`,
      { path },
    );
  }
  return `${path.slice(0, -'.xml'.length)}.bin`;
}
