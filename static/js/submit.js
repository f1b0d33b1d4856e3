(function () {
  'use strict';
  var form = document.getElementById('response');
  if (form) {
    HTMLFormElement.prototype.submit.call(form);
  }
})();
