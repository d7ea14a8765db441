//! The page: the same picture in one file that asks no other; hovering says path and bytes, a click goes into
//! a keg or folder (of a file, into the one that it is in), Escape out.

use super::svg::{escape, legend, style, tiles};
use super::{HEIGHT, Title, WIDTH, map};
use crate::tree::ImageTree;

/// Letters of this size are read once their tile fills the page.
const LETTER_MIN: f64 = 0.4;

const STYLE: &str = "\
body{margin:1.5rem;font:15px system-ui,Arial,sans-serif;background:#fff;color:#16191d}\
h1{font-size:1.4rem;margin:0}p{margin:.3rem 0 .8rem}\
#map{width:100%;height:auto;display:block;border-radius:4px}#map g{cursor:zoom-in}\
#map g:hover>rect,#map g:focus>rect{stroke:#16191d;stroke-width:2;vector-effect:non-scaling-stroke}\
#map .tile{vector-effect:non-scaling-stroke}#map g:focus{outline:none}\
#said{position:fixed;pointer-events:none;background:#16191d;color:#fff;padding:.35rem .6rem;border-radius:4px;\
white-space:pre-line;max-width:40rem;overflow-wrap:anywhere}\
#where{font:inherit;border:0;background:none;color:inherit;padding:0;cursor:pointer;text-decoration:underline}\
@media(prefers-color-scheme:dark){body{background:#12151a;color:#f2f4f7}#said{background:#f2f4f7;color:#12151a}\
#map g:hover>rect,#map g:focus>rect{stroke:#fff}}";

/// Zooms by the view box alone: labels are drawn as large as they fit, and grow into sight.
const SCRIPT: &str = r#"
const map = document.getElementById('map'), said = document.getElementById('said'), where = document.getElementById('where');
const whole = map.viewBox.baseVal, all = [whole.x, whole.y, whole.width, whole.height];
let trail = [];
const show = box => map.setAttribute('viewBox', box.join(' '));
const say = () => {
  where.textContent = trail.length ? '← ' + trail[trail.length - 1].dataset.path : '';
  show(trail.length ? boxOf(trail[trail.length - 1]) : all);
};
function boxOf(tile) {
  const { x, y, width, height } = tile.querySelector('rect').getBBox(), ratio = all[2] / all[3];
  const w = Math.max(width, height * ratio) * 1.02, h = w / ratio;
  return [x + width / 2 - w / 2, y + height / 2 - h / 2, w, h];
}
const tileAt = event => event.target.closest('#map g');
// Of a file the folder that it is in: the nearest before it that surrounds it.
function holder(tile) {
  const part = tile.querySelector('rect').getBBox();
  for (; tile && tile.classList.contains('f'); ) {
    do tile = tile.previousElementSibling; while (tile && !surrounds(tile.querySelector('rect').getBBox(), part));
  }
  return tile;
}
const surrounds = (a, b) =>
  a.x <= b.x && a.y <= b.y && a.x + a.width >= b.x + b.width - 0.02 && a.y + a.height >= b.y + b.height - 0.02;
function into(tile) {
  tile = holder(tile);
  if (!tile) return;
  const at = trail.indexOf(tile);
  if (at >= 0) trail.length = at; else trail.push(tile);
  say();
}
map.querySelectorAll('g').forEach(tile => {
  tile.dataset.said = tile.querySelector('title').textContent;
  tile.querySelector('title').remove();
  tile.tabIndex = 0;
  tile.setAttribute('role', 'img');
  tile.setAttribute('aria-label', tile.dataset.said);
});
map.addEventListener('click', event => { const tile = tileAt(event); if (tile) into(tile); });
map.addEventListener('mousemove', event => {
  const tile = tileAt(event);
  said.hidden = !tile;
  if (!tile) return;
  said.textContent = tile.dataset.said;
  const right = event.clientX + 16 + said.offsetWidth > innerWidth;
  said.style.left = (right ? event.clientX - 12 - said.offsetWidth : event.clientX + 16) + 'px';
  said.style.top = Math.min(event.clientY + 16, innerHeight - said.offsetHeight - 8) + 'px';
});
map.addEventListener('mouseleave', () => { said.hidden = true; });
addEventListener('keydown', event => {
  if (event.key === 'Escape') { trail.pop(); say(); }
  if (event.key === 'Enter' && document.activeElement.closest('#map g')) into(document.activeElement);
});
where.addEventListener('click', () => { trail.pop(); say(); });
"#;

/// A whole page.
pub fn html(tree: &ImageTree, title: &Title) -> String {
    let map = map(tree);
    let (name, totals) = (escape(&title.name), escape(&title.totals));
    let rows = map.kegs.len().div_ceil(4) * 24 + 8;
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{name}: {totals}</title>\n<style>{}{STYLE}</style>\n</head>\n<body>\n<h1>{name}</h1>\n\
         <p>{totals}. <button id=\"where\" title=\"one step out (Escape)\"></button></p>\n\
         <svg id=\"map\" viewBox=\"0 0 {WIDTH} {HEIGHT}\">\n{}</svg>\n\
         <svg viewBox=\"0 0 {WIDTH} {rows}\" width=\"100%\">\n{}</svg>\n<div id=\"said\" hidden></div>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n",
        style(),
        tiles(&map, LETTER_MIN),
        legend(&map),
    )
}
