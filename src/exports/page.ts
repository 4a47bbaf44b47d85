/**
 * `import ... from 'nnc/page'`: the parts of a page that trains: what fits a model (`sceneOf`), training frame by frame (`Training`), a board
 * with figure, loss and numbers, and a form, a pad or a text box to ask the model. For browsers; `nnc/page.css` is their style.
 */
export { askOf, type Asked } from '../page/ask.ts';
export { Board, type RunInfo } from '../page/board.ts';
export { examplesIn, pageInfo, type BuiltPage, type PageInfo } from '../page/built.ts';
export { singlePage, type PageParts } from '../page/single.ts';
export { Controls, type Acts, type ControlsOptions } from '../page/controls.ts';
export { byId, download, fileButton, h, newest, perFrame, short } from '../page/dom.ts';
export { askedOf } from '../page/local.ts';
export { sceneOf, type Field, type ImageForm, type Kind, type Scene, type Shown } from '../page/scene.ts';
export type { Wish, Write } from '../page/talk.ts';
export type { Told } from '../page/told.ts';
export { Training, type Frame, type TrainingOptions } from '../page/training.ts';
export { errorText } from '../page/error-text.ts';
