# netc_page(TARGET NAME SCRIPT...) packs page.html, page.css, charts.js and the scripts into the PageTemplate
# netc::runtime::NAME (page.h) and adds it to the target.
function(netc_page target name)
  set(folder ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  set(parts page.html page.css charts.js)
  list(TRANSFORM parts PREPEND ${folder}/)
  list(APPEND parts ${ARGN})
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -D NAME=${name} -D "PARTS=${parts}" -D OUTPUT=${output}
            -P ${folder}/pack_page.cmake
    DEPENDS ${parts} ${folder}/pack_page.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
  set_source_files_properties(${output} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
