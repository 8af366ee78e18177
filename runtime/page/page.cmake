# netc_page(TARGET NAME SCRIPT...) packs page.html, page.css, charts.js and the scripts into the PageTemplate
# netc::runtime::NAME (page.h) and adds it to the target.
set(NETC_PAGE_FOLDER ${CMAKE_CURRENT_LIST_DIR})
function(netc_page target name)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  set(parts page.html page.css charts.js)
  list(TRANSFORM parts PREPEND ${NETC_PAGE_FOLDER}/)
  list(APPEND parts ${ARGN})
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -D NAME=${name} -D "PARTS=${parts}" -D OUTPUT=${output}
            -P ${NETC_PAGE_FOLDER}/pack_page.cmake
    DEPENDS ${parts} ${NETC_PAGE_FOLDER}/pack_page.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
  set_source_files_properties(${output} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
